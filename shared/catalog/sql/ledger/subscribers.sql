-- Projects that have a webhook for gaps in the ledger.
SELECT DISTINCT project_id FROM webhooks WHERE enabled AND 'ledger.gap' = ANY (types) ORDER BY project_id

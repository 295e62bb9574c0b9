-- A day was looked at when it had so many changes. Parameters: project_id, day, ledger.
INSERT INTO quality_looks AS kept (project_id, day, ledger) VALUES (%(project_id)s, %(day)s, %(ledger)s)
ON CONFLICT (project_id, day) DO UPDATE SET ledger = excluded.ledger

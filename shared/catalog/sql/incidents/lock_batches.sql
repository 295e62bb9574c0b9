-- Let nobody else form batches, or resolve incidents, until the transaction is over: who is told that an incident is over
-- must be who was told of it.
SELECT pg_advisory_xact_lock(hashtext('sluice incident batches'))::text AS locked

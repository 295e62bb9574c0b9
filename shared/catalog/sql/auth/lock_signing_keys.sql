-- Let one at a time change the signing keys, until the transaction ends. The number is the letters "sluice:k".
SELECT pg_advisory_xact_lock(8317709364218821227)

-- An organisation, held until the transaction ends: whatever changes its members waits here, one after the other.
-- Parameter: organisation_id.
SELECT id, name, created_at FROM organisations WHERE id = %(organisation_id)s FOR UPDATE

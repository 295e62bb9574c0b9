-- All of a batch were told. Parameter: id.
UPDATE incident_batches SET told = true WHERE id = %(id)s

-- A place of a record that was published again for another reader than batch_write. Parameters: partition, place.
INSERT INTO ledger_others (partition, place) VALUES (%(partition)s, %(place)s) ON CONFLICT DO NOTHING

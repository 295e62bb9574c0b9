-- Note how many missing places a record explains by now. Parameters: batch_id, places.
INSERT INTO ledger_resent AS kept (batch_id, places)
VALUES (%(batch_id)s, %(places)s)
ON CONFLICT (batch_id) DO UPDATE SET places = kept.places + excluded.places

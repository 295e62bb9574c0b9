-- How many missing places each of these records explains already. Parameters: batch_ids.
SELECT batch_id, places FROM ledger_resent WHERE batch_id = ANY (%(batch_ids)s)

-- A run that found nothing to drop leaves no trace. Parameter: id.
DELETE FROM retention_runs WHERE id = %(id)s AND state = 'started' AND rows = 0 AND rejected = 0

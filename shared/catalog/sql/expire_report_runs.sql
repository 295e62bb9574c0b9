-- Remove runs older than so many days; their files are noted for removal. Parameter: days.
DELETE FROM report_runs WHERE created_at < now() - make_interval(days => %(days)s)

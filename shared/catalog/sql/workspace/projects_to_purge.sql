-- Projects that were deleted so many days ago. Parameter: days.
SELECT id, organisation_id, name, deleted_at FROM projects
WHERE deleted_at < now() - make_interval(days => %(days)s) ORDER BY deleted_at LIMIT 10

-- Forget notices older than so many days. Parameters: days.
DELETE FROM notices WHERE created_at < now() - make_interval(days => %(days)s)
RETURNING seq

-- Keep a project's events for so many days, null for ever, and its refused payloads, null as long as the events. Parameters:
-- project_id, days, rejected_days.
UPDATE projects SET retention_days = %(days)s, rejected_days = %(rejected_days)s WHERE id = %(project_id)s
RETURNING id

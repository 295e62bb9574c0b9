-- A new webhook of a project, unless that has as many as it may: first its row is locked (lock_project), so that two at once
-- count each other. Parameters: id, project_id, kind, options, url, description, types, filter, secret, most.
INSERT INTO webhooks (id, project_id, kind, options, url, description, types, filter, secret)
SELECT %(id)s, %(project_id)s, %(kind)s, %(options)s, %(url)s, %(description)s, %(types)s, %(filter)s, %(secret)s
WHERE (SELECT count(*) FROM webhooks WHERE project_id = %(project_id)s) < %(most)s
RETURNING id, project_id, kind, options, url, description, types, filter, secret, previous_until, enabled, disabled_reason, failing_since,
    last_delivered_at, created_at, updated_at

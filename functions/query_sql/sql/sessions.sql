-- A row a session, by the project's own pause; docs/sessions.md has the rule. In no order.
-- Parameters: those of shared.query.sessions.
SELECT
    person,
    session_id,
    timestamp AS started,
    over AS ended,
    seconds,
    number AS events,
    active AS active_seconds,
    entry_page,
    exit_page
FROM /*sessions*/

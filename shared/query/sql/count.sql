-- One number over a project's events in a range: events, users, sessions, event types or a property's figure.
-- shared.query.planner decides what is read, rows or their rollup; FINAL counts an event that was stored twice once.
SELECT /*measure*/ AS value
FROM /*rows*/

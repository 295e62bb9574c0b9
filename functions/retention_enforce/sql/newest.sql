-- When the newest event of a project was received; no row where it has none. Parameter: project.
SELECT max(received_at) FROM events WHERE project_id = /*project*/ HAVING count() > 0

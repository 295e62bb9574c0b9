-- Rejected events that a project keeps no longer. Parameters as in due_events.sql.
project_id = /*project*/ AND received_at < /*cutoff*/

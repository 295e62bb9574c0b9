-- Refused events that a project keeps no longer, but for those that may name somebody under hold. Parameters: project, cutoff,
-- held, bound by functions.retention_enforce.plan.
project_id = /*project*/ AND received_at < /*cutoff*/ AND /*held*/

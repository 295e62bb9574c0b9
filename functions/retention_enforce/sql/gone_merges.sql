-- Merges of people of whom neither has an event left, made before the cutoff. Parameters: project, cutoff, held.
project_id = /*project*/
    AND merged_at < /*cutoff*/
    AND from_key NOT IN (SELECT DISTINCT user_key FROM events WHERE project_id = /*project*/)
    AND to_key NOT IN (SELECT DISTINCT user_key FROM events WHERE project_id = /*project*/)
    AND /*held*/

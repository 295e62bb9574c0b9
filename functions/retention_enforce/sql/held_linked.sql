-- Beside the keys that holds name, all other keys of the same people. Parameters: project, run; pairs is who is who
-- (shared.query.identity).
INSERT INTO held_keys (project_id, run_id, user_key)
WITH
    named AS (SELECT user_key FROM held_keys WHERE project_id = /*project*/ AND run_id = /*run*/),
    pairs AS (/*pairs*/),
    people AS (SELECT person FROM pairs WHERE key IN (SELECT user_key FROM named) UNION ALL SELECT user_key FROM named)
SELECT /*project*/, /*run*/, key FROM pairs WHERE person IN (SELECT person FROM people)
UNION ALL
SELECT /*project*/, /*run*/, person FROM people

-- One generation of the runs of a project's days, made from the rows.
INSERT INTO user_sessions (project_id, day, generation, user_key, session_id, started, ended, first_id, events, minutes, entry, exit, /*names*/)
SELECT /*project*/, day, /*generation*/, user_key, session_id, started, ended, run_id, events, minutes, entry, exit, /*values*/
FROM
(
/*runs*/
)

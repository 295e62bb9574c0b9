-- Note until when what was stored has been looked through; never earlier than before. Parameters: project_id, stored_until.
INSERT INTO erasure_looks AS kept (project_id, stored_until) VALUES (%(project_id)s, %(stored_until)s)
ON CONFLICT (project_id) DO UPDATE SET stored_until = greatest(kept.stored_until, excluded.stored_until)

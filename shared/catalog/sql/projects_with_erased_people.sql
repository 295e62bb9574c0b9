-- The projects that erased anybody, and until when what was stored since has been looked through. Parameters: none.
SELECT found.project_id, coalesce(looks.stored_until, found.since) AS stored_until
FROM (SELECT project_id, min(erased_at) AS since FROM erased_people GROUP BY project_id) AS found
LEFT JOIN erasure_looks AS looks USING (project_id)
ORDER BY stored_until

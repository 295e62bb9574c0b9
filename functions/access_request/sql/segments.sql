-- Segments that name the person, on a list or among those seen last, by name. Parameters as in events.sql.
SELECT DISTINCT found.kind AS kind, named.name AS segment, found.person AS person
FROM
(
    SELECT 'list' AS kind, segment_id, user_key AS person
    FROM segment_lists WHERE project_id = /*project*/ AND user_key IN /*keys*/
    UNION ALL
    SELECT 'seen' AS kind, segment_id, person FROM segment_members WHERE project_id = /*project*/ AND person IN /*keys*/
) AS found
LEFT JOIN (SELECT segment_id, name FROM segments FINAL WHERE project_id = /*project*/) AS named USING (segment_id)
ORDER BY kind, segment, person

-- What questions know of all segments.
SELECT toString(project_id) AS project, toString(segment_id) AS segment, version, definition != '' AS there
FROM segments FINAL

-- Records of which more or fewer events were written or rejected than ingest put into them, and (`written` 0) those whose row in
-- `batches` is gone although their project is there. Parameters: partition, first, end, begun, most. By place.
WITH looked_at AS
(
    SELECT position, project_id, batch_id, eventcount, written
    FROM batch_places
    WHERE partition = {partition:Int32}
        AND position >= {first:Int64}
        AND position < {end:Int64}
        AND stored_at >= {begun:DateTime64(6, 'UTC')}
)
SELECT DISTINCT position AS place, toString(project_id) AS project, eventcount, written
FROM
(
    SELECT position, project_id, eventcount, written FROM looked_at WHERE eventcount != written
    UNION ALL
    SELECT position, project_id, eventcount, toUInt64(0) AS written
    FROM looked_at
    WHERE project_id NOT IN (SELECT project_id FROM removed_projects)
        AND (project_id, batch_id) NOT IN
        (
            SELECT project_id, batch_id
            FROM batches
            WHERE (project_id, batch_id) IN (SELECT project_id, batch_id FROM looked_at)
        )
)
ORDER BY place
LIMIT {most:UInt32}

-- The earliest event of each project that was received in the last minute and belongs to one that was over before.
-- Repeats do not matter: whoever is named here is asked exactly.
SELECT project_id, min(timestamp) AS earliest
FROM events
WHERE project_id IN /*projects*/
    AND timestamp >= /*start*/
    AND timestamp < /*last*/
    AND toDate(timestamp) >= toDate(/*start*/)
    AND toDate(timestamp) <= toDate(/*last*/)
    AND received_at >= /*last*/
GROUP BY project_id

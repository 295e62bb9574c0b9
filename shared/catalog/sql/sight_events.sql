-- When each of `ids` was first seen; what was not seen within `kept_seconds` is seen now. Answers only those that were
-- seen at another time than they are asked for. Parameters: kept_seconds; projects and times, one of each a request; and
-- for every one of ids in `requests` the number of its request, from 1. No project asks for the same id twice.
-- The update changes nothing unless the row expired, but it waits for and then sees the row that another transaction was
-- inserting, which no SELECT in this statement could. One order for all, so that no two wait for each other.
WITH asked AS (
    SELECT project_id, sighting_id, seen_at
    FROM unnest(%(ids)s::uuid[], %(requests)s::int[]) AS asked (sighting_id, request)
    JOIN unnest(%(projects)s::uuid[], %(times)s::timestamptz[]) WITH ORDINALITY AS came (project_id, seen_at, request)
    USING (request)
),
seen AS (
    INSERT INTO event_sightings AS kept (project_id, sighting_id, first_seen)
    SELECT project_id, sighting_id, seen_at FROM asked ORDER BY project_id, sighting_id
    ON CONFLICT (project_id, sighting_id) DO UPDATE
    SET first_seen = CASE
        WHEN kept.first_seen < excluded.first_seen - make_interval(secs => %(kept_seconds)s) THEN excluded.first_seen
        ELSE kept.first_seen
    END
    RETURNING project_id, sighting_id, first_seen
)
SELECT project_id, first_seen, array_agg(sighting_id) AS ids
FROM seen JOIN asked USING (project_id, sighting_id)
WHERE first_seen <> seen_at GROUP BY project_id, first_seen

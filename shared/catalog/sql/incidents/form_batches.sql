-- Put what waits to be told to the same people into one batch, where it has waited long enough for others (`ripe`: noted
-- before that; escalations wait for nobody, what is noted for later waits) and they were not told anything of the kind just
-- now (`apart`: formed before that). lock_batches goes before.
-- Parameters: now, ripe, apart.
WITH ready AS (
    SELECT gen_random_uuid() AS id, project_id, audience
    FROM incident_notices AS n
    WHERE batch_id IS NULL AND noted_at <= %(now)s::timestamptz
        AND NOT EXISTS (SELECT FROM incident_batches AS b
            WHERE b.project_id = n.project_id AND b.audience = n.audience AND b.formed_at > %(apart)s::timestamptz)
    GROUP BY project_id, audience
    HAVING min(noted_at) <= %(ripe)s::timestamptz OR bool_and(kind = 'escalated')
), formed AS (
    INSERT INTO incident_batches (id, project_id, audience, formed_at)
    SELECT id, project_id, audience, %(now)s::timestamptz FROM ready
    RETURNING id, project_id, audience
)
UPDATE incident_notices SET batch_id = ready.id
FROM ready
WHERE incident_notices.batch_id IS NULL AND incident_notices.noted_at <= %(now)s::timestamptz
    AND incident_notices.project_id = ready.project_id AND incident_notices.audience = ready.audience
RETURNING incident_notices.id

-- Take an Idempotency-Key for a body; answers whose it is and since when. It stays with its body for `bound_seconds`, and
-- the same body keeps its time for `kept_seconds`. Parameters: project_id, key, fingerprint, now, bound_seconds, kept_seconds.
INSERT INTO idempotency_keys AS held (project_id, key, fingerprint, first_seen)
VALUES (%(project_id)s, %(key)s, %(fingerprint)s, %(now)s)
ON CONFLICT (project_id, key) DO UPDATE
SET (fingerprint, first_seen) = (
    SELECT
        CASE WHEN is_free THEN excluded.fingerprint ELSE held.fingerprint END,
        CASE WHEN is_free THEN excluded.first_seen ELSE held.first_seen END
    FROM (
        SELECT held.first_seen < excluded.first_seen - make_interval(secs => CASE
            WHEN held.fingerprint = excluded.fingerprint THEN %(kept_seconds)s ELSE %(bound_seconds)s
        END) AS is_free
    ) AS judged
)
RETURNING fingerprint, first_seen

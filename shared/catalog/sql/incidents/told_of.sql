-- Who was told of an incident so far. Parameter: incident_id.
SELECT
    ARRAY(SELECT DISTINCT one FROM incident_notices AS n, unnest(n.emails) AS one
        WHERE n.incident_id = %(incident_id)s AND n.batch_id IS NOT NULL ORDER BY one) AS emails,
    ARRAY(SELECT DISTINCT one FROM incident_notices AS n, unnest(n.channels) AS one
        WHERE n.incident_id = %(incident_id)s AND n.batch_id IS NOT NULL ORDER BY one) AS channels,
    (SELECT language FROM incident_notices WHERE incident_id = %(incident_id)s AND batch_id IS NOT NULL
        ORDER BY noted_at DESC LIMIT 1) AS language

-- How many events were refused for each reason in each bucket. Parameters are bound by shared.query.scope and
-- shared.query.buckets, which calls the moment a bucket holds `timestamp`; FINAL as in reasons.sql.
SELECT reason, /*bucket*/ AS bucket, count()
FROM (SELECT reason, received_at AS timestamp FROM rejected_events FINAL WHERE /*scope*/)
GROUP BY reason, bucket

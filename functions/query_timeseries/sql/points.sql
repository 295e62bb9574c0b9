-- A measure of each group (its place among the largest) in each bucket, and of each group over the whole range.
-- Buckets and groups without events have no row; `whole` is 1 in the rows over the whole range. In no order.
SELECT /*place*/ AS place, /*bucket*/ AS bucket, grouping(bucket) AS whole, /*measure*/ AS value
FROM /*rows*/
GROUP BY GROUPING SETS ((place, bucket), (place))

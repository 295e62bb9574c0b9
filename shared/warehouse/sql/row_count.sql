-- How many rows of a condition there are, each counted once and with repeats. Parameters as in rows_by_partition.sql.
SELECT
    (SELECT count() FROM /*table*/ FINAL WHERE /*where*/),
    (SELECT count() FROM /*table*/ WHERE /*where*/)

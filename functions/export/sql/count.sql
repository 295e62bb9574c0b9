-- How many events a window of an export has. Parameters are bound by shared.query.scope and functions.export.reading.
SELECT count()
FROM events FINAL
WHERE /*scope*/

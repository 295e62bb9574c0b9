-- Counts are read from the rows again; nothing is lost with these.

DROP TABLE rollup_hours;

DROP TABLE rollup_counts;

ALTER TABLE hour_changes DROP COLUMN IF EXISTS changed_at;

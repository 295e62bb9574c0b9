-- What the ledger check proves its sums by (decision 0034).

ALTER TABLE batches
    -- How many events ingest says the record has; what was written before it was kept is taken as it is.
    ADD COLUMN IF NOT EXISTS eventcount UInt32 DEFAULT rows + rejected,
    -- How often the record was published again as a dead letter: so many of its earlier places have no row.
    ADD COLUMN IF NOT EXISTS resent UInt32;

-- Each place on the bus at which a record was, made with the very same insert: a record that comes again from another place
-- replaces its row in `batches`, and not here.
CREATE TABLE batch_places
(
    partition Int32,
    position Int64,
    project_id UUID,
    batch_id UUID,
    eventcount UInt32,
    written UInt64,
    stored_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(stored_at)
ORDER BY (partition, position, batch_id)
TTL toDateTime(stored_at) + INTERVAL 90 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW batch_places_made TO batch_places AS
SELECT partition, position, project_id, batch_id, eventcount, toUInt64(rows) + rejected AS written, stored_at
FROM batches
WHERE position >= 0;

-- Projects whose rows were deleted, those of `batches` among them.
CREATE TABLE removed_projects
(
    project_id UUID,
    removed_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree(removed_at)
ORDER BY project_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Counts of hours, recomputed from the rows whenever the ledger says that an hour has changed.

-- When an hour last changed: it is rolled up once it is quiet.
ALTER TABLE hour_changes
    ADD COLUMN IF NOT EXISTS changed_at SimpleAggregateFunction(max, DateTime('UTC')) DEFAULT now();

-- Events of an hour by name; only those of the generation in the hour's header count.
CREATE TABLE rollup_counts
(
    project_id UUID,
    hour DateTime('UTC'),
    generation UInt64,
    event LowCardinality(String),
    bot Bool,
    n UInt64
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (project_id, hour, generation, event, bot)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- The newest generation of an hour and the version of the hour it was made of; written after its counts.
CREATE TABLE rollup_hours
(
    project_id UUID,
    hour DateTime('UTC'),
    generation UInt64,
    version UInt64,
    rows UInt64
)
ENGINE = ReplacingMergeTree(generation)
ORDER BY (project_id, hour)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

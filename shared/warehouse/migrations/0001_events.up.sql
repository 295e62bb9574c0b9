-- The first tables: events, what was written (batches), what changed (the hour ledger), what was refused.

CREATE TABLE events
(
    project_id UUID,
    event LowCardinality(String),
    user_id String,
    anonymous_id String,
    session_id String,
    -- Whose event it is: the known id before the anonymous one, and never the same text for both.
    user_key String MATERIALIZED multiIf(user_id != '', concat('u:', user_id), anonymous_id != '', concat('a:', anonymous_id), ''),
    timestamp DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    event_id UUID,
    client_id String,
    sent_at Nullable(DateTime64(6, 'UTC')),
    received_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    batch_id UUID,
    -- The truth that the API and exports give back; `properties` is the same, for querying.
    properties_raw String DEFAULT '{}' CODEC(ZSTD(3)),
    context_raw String DEFAULT '{}' CODEC(ZSTD(3)),
    properties JSON DEFAULT properties_raw::JSON
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toMonday(timestamp)
ORDER BY (project_id, event, toDate(timestamp), cityHash64(user_key), timestamp, event_id)
SETTINGS
    min_age_to_force_merge_seconds = 300,
    min_age_to_force_merge_on_partition_only = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

CREATE TABLE batches
(
    project_id UUID,
    batch_id UUID,
    partition Int32,
    position Int64,
    rows UInt32,
    rejected UInt32,
    received_at DateTime64(6, 'UTC'),
    stored_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(stored_at)
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, batch_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Version of an hour = sum(changes): it grows with every change of the hour's rows, and never expires.
CREATE TABLE hour_changes
(
    project_id UUID,
    hour DateTime('UTC'),
    changes UInt64
)
ENGINE = SummingMergeTree(changes)
ORDER BY (project_id, hour)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE rejected_events
(
    project_id UUID,
    batch_id UUID,
    position UInt32,
    received_at DateTime64(6, 'UTC'),
    reason LowCardinality(String),
    detail String,
    raw String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, batch_id, position)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

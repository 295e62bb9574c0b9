-- Activity in runs, from which sessions are put together, and what segments are made of (decision 0028).

-- A run: events of one id within one UTC day, of one session_id or of none, with no longer pause between them than a session
-- has. Recomputed with its day whenever the ledger says that the day has changed; who the id belongs to is asked when
-- sessions are. The columns from `event` on are those of the run's first event, under the names they have there.
CREATE TABLE user_sessions
(
    project_id UUID,
    day Date,
    generation UInt64,
    user_key String,
    session_id String,
    started DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    ended DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    first_id UUID,
    events UInt64,
    -- Minutes since 1970 in which something happened.
    minutes Array(UInt32) CODEC(ZSTD(1)),
    -- Moment, event id and path of the first and the last event that has a path; an empty path where none has.
    entry Tuple(DateTime64(6, 'UTC'), UUID, String),
    exit Tuple(DateTime64(6, 'UTC'), UUID, String),
    event LowCardinality(String),
    user_id String,
    anonymous_id String,
    path String,
    hostname LowCardinality(String),
    referrer_domain LowCardinality(String),
    channel LowCardinality(String),
    country LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    browser LowCardinality(String),
    os LowCardinality(String),
    device LowCardinality(String),
    bot Bool
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(day)
ORDER BY (project_id, day, generation, cityHash64(user_key), started)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- A day's newest generation of runs, written after them: of which version of the day's hours it was made, and for which
-- pause in seconds. `keys` are ids that were active, resolved to nobody; `single` are runs of one event.
CREATE TABLE daily_metrics
(
    project_id UUID,
    day Date,
    generation UInt64,
    version UInt64,
    gap UInt32,
    runs UInt64,
    events UInt64,
    keys UInt64,
    single UInt64
)
ENGINE = ReplacingMergeTree(generation)
ORDER BY (project_id, day)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What questions need of a segment: the catalog's definition as it was written last; an empty one where it was removed.
CREATE TABLE segments
(
    project_id UUID,
    segment_id UUID,
    version UInt64,
    name String,
    definition String
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, segment_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Who is on a list that was uploaded: the rows of the version its segment has.
CREATE TABLE segment_lists
(
    project_id UUID,
    segment_id UUID,
    version UInt64,
    user_key String
)
ENGINE = ReplacingMergeTree
ORDER BY (project_id, segment_id, version, user_key)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- Who was in a segment when it was looked at last: what a change is found against.
CREATE TABLE segment_members
(
    project_id UUID,
    segment_id UUID,
    generation UInt64,
    person String
)
ENGINE = ReplacingMergeTree
ORDER BY (project_id, segment_id, generation, person)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

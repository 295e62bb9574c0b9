-- Refused events that were replayed, and whose events a run of retention must leave.

-- Beside the refused events and not in them: a record that is delivered again writes those anew. `outcome` is `stored`,
-- or the reason for which the last replay refused it again.
CREATE TABLE rejected_replays
(
    project_id UUID,
    batch_id UUID,
    position UInt32,
    received_at DateTime64(6, 'UTC'),
    replay_id UUID,
    replayed_at DateTime64(6, 'UTC'),
    outcome LowCardinality(String)
)
ENGINE = ReplacingMergeTree(replayed_at)
PARTITION BY toYYYYMM(received_at)
ORDER BY (project_id, batch_id, position)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- The keys of people under legal hold as a run of retention found them in the catalog, which has the truth.
CREATE TABLE held_keys
(
    project_id UUID,
    run_id UUID,
    user_key String,
    made_at DateTime('UTC') DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY (project_id, run_id, user_key)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- Of whom nothing is stored any more: people who were erased, and people who withdrew their consent (decision 0032).

-- A copy of what the catalog says, for batch_write, which asks nobody else. `person` is the keyed hash of a user key as hex,
-- `pepper` the project's key of it; the row of the highest version counts, and one that is not `active` lets them in again.
CREATE TABLE refused_people
(
    project_id UUID,
    reason LowCardinality(String),
    person String,
    pepper String,
    active Bool,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, reason, person)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

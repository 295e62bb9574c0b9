-- Who is who: what identify, alias, group and profile events say, a narrow copy of them made with the very same insert; the
-- merges that people made; and a ledger whose sum says which state of both an answer was made from (decision 0027).

-- One row an event, replaced by a repeat as in `events`. `from_keys` are linked to `to_key`; `changes` are operations on
-- the profile of `user_key`: what to do, with which property, and its value as JSON.
CREATE TABLE identity_events
(
    project_id UUID,
    user_key String,
    timestamp DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    event_id UUID,
    event LowCardinality(String),
    user_id String,
    anonymous_id String,
    received_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    from_keys Array(String),
    to_key String,
    changes Array(Tuple(operation String, name String, value String)) CODEC(ZSTD(3)),
    INDEX from_keys_index from_keys TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(received_at)
ORDER BY (project_id, user_key, timestamp, event_id, event)
SETTINGS
    min_age_to_force_merge_seconds = 300,
    min_age_to_force_merge_on_partition_only = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- The key of a merge is its id: made once, and taken back by a row with `removed_at`.
CREATE TABLE identity_merges
(
    project_id UUID,
    merge_id String,
    from_key String,
    to_key String,
    merged_at DateTime64(6, 'UTC'),
    merged_by String,
    reason String,
    removed_at Nullable(DateTime64(6, 'UTC')),
    removed_by String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project_id, merge_id)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    enable_block_number_column = 1,
    enable_block_offset_column = 1;

-- Written after what it tells of, and never expires. `links`: keys were linked; `chains`: so that what a key is linked to
-- may be linked itself; `profiles`: profiles have changed.
CREATE TABLE identity_changes
(
    project_id UUID,
    links UInt64,
    chains UInt64,
    profiles UInt64
)
ENGINE = SummingMergeTree((links, chains, profiles))
ORDER BY project_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW identity_events_made TO identity_events AS
WITH
    lower(replaceRegexpAll(event, '[$ ._-]', '')) AS called,
    ['$set_once', '$set', '$add', '$append', '$union'] AS operations,
    arrayFilter(named -> JSONHas(properties_raw, named), arrayPushBack(operations, '$unset')) AS given,
    arrayFirst(
        id -> id != '',
        arrayMap(
            named -> if(
                JSONType(properties_raw, named) = 'String',
                JSONExtractString(properties_raw, named),
                if(JSONType(properties_raw, named) IN ('Int64', 'UInt64'), JSONExtractRaw(properties_raw, named), '')
            ),
            ['previous_id', 'previousId', 'alias']
        )
    ) AS previous
SELECT
    project_id,
    user_key,
    timestamp,
    event_id,
    event,
    user_id,
    anonymous_id,
    received_at,
    multiIf(
        called IN ('alias', 'createalias', 'mergedangerously') AND previous != '' AND user_key != '',
        [concat('a:', previous), concat('u:', previous)],
        called IN ('identify', 'group', 'alias', 'createalias') AND user_id != '' AND anonymous_id != '',
        [concat('a:', anonymous_id)],
        []
    ) AS from_keys,
    user_key AS to_key,
    arrayConcat(
        if(
            called = 'identify' AND empty(given),
            arrayMap(
                pair -> ('set', pair.1, pair.2),
                arrayFilter(pair -> NOT startsWith(pair.1, '$'), JSONExtractKeysAndValuesRaw(properties_raw))
            ),
            []
        ),
        if(
            called IN ('identify', 'set', 'profile'),
            arrayFlatten(
                arrayMap(
                    named -> arrayMap(
                        pair -> (substring(named, 2), pair.1, pair.2), JSONExtractKeysAndValuesRaw(properties_raw, named)
                    ),
                    operations
                )
            ),
            []
        ),
        if(
            called IN ('identify', 'set', 'profile'),
            arrayMap(
                name -> ('unset', name, ''),
                if(
                    JSONType(properties_raw, '$unset') = 'Object',
                    JSONExtractKeys(properties_raw, '$unset'),
                    JSONExtract(properties_raw, '$unset', 'Array(String)')
                )
            ),
            []
        ),
        if(
            called = 'group' AND JSONHas(properties_raw, 'group_id'),
            [
                (
                    'set',
                    concat('groups.', JSONExtractString(properties_raw, 'group_type')),
                    JSONExtractRaw(properties_raw, 'group_id')
                )
            ],
            []
        )
    ) AS changes
FROM events
WHERE called IN ('identify', 'alias', 'createalias', 'mergedangerously', 'group', 'set', 'profile');

-- What was stored before is written once more as it is, which changes no answer and makes the copies.
INSERT INTO events
SELECT *
FROM events FINAL
WHERE lower(replaceRegexpAll(event, '[$ ._-]', '')) IN
    ('identify', 'alias', 'createalias', 'mergedangerously', 'group', 'set', 'profile')
SETTINGS max_partitions_per_insert_block = 0, insert_deduplicate = 0;

INSERT INTO identity_changes
SELECT
    project_id,
    countIf(notEmpty(from_keys)) AS links,
    countIf(arrayExists(key -> startsWith(key, 'u:'), from_keys)) AS chains,
    countIf(notEmpty(changes)) AS profiles
FROM identity_events
GROUP BY project_id
SETTINGS insert_deduplicate = 0;

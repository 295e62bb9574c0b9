-- Whom each linked key belongs to, links followed from person to person. Who stands at the end of the links is the person;
-- where there is no end within the steps allowed, the smallest key passed in the second half of them, so that all ids of
-- a circle are one person. Links are read once, and followed through those few that go on from where others lead.
-- In no order. Parameters: project, bound by shared.query.identity.
WITH
    (
        SELECT (groupArray(key), groupArray(linked_to))
        FROM
        (
            SELECT key, argMin(parent, place) AS linked_to
            FROM
            (
                SELECT
                    arrayJoin(from_keys) AS key,
                    to_key AS parent,
                    (toUInt8(1), timestamp, toString(event_id), to_key) AS place
                FROM identity_events FINAL
                WHERE project_id = /*project*/
                UNION ALL
                SELECT from_key AS key, to_key AS parent, (toUInt8(0), merged_at, merge_id, to_key) AS place
                FROM identity_merges FINAL
                WHERE project_id = /*project*/ AND removed_at IS NULL
            )
            WHERE key != parent
            GROUP BY key
        )
    ) AS linked,
    (
        SELECT (groupArray(pair.1), groupArray(pair.2))
        FROM (SELECT arrayJoin(arrayZip(linked.1, linked.2)) AS pair)
        WHERE pair.1 IN (SELECT arrayJoin(linked.2))
    ) AS between,
    (
        SELECT (groupArray(step_0), groupArray(person))
        FROM
        (
            SELECT
                step_0,
                if(
                    passed[-1] != '',
                    arrayMin(arraySlice(passed, /*half*/ + 1)),
                    arrayLast(key -> key != '', passed)
                ) AS person
            FROM (SELECT step_0, [/*passed*/] AS passed FROM /*steps*/)
        )
    ) AS ends
SELECT pair.1 AS key, transform(pair.2, ends.1, ends.2, pair.2) AS person
FROM (SELECT arrayJoin(arrayZip(linked.1, linked.2)) AS pair)

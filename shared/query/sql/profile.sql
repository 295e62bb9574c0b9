-- One property of everybody's profile: the JSON that its operations come to, in order of timestamp, event id, name and key
-- of the event and of their place in it. People without it have no row; in no order. shared.profiles says what each
-- operation does. Parameters: project, property, bound by shared.query.profiles.
SELECT person, value
FROM
(
    SELECT
        /*person*/ AS person,
        arrayFold(
            (held, operation, given) -> multiIf(
                operation = 'set', if(given = 'null', '', given),
                operation = 'set_once', if(held != '' OR given = 'null', held, given),
                operation = 'unset', '',
                operation = 'add',
                if(
                    JSONType(given) NOT IN ('Int64', 'UInt64', 'Double')
                        OR JSONType(if(held = '', '0', held)) NOT IN ('Int64', 'UInt64', 'Double')
                        OR NOT isFinite(toFloat64OrZero(held) + toFloat64OrZero(given)),
                    held,
                    toString(toFloat64OrZero(held) + toFloat64OrZero(given))
                ),
                given = 'null', held,
                operation = 'append',
                concat(
                    '[',
                    arrayStringConcat(
                        arrayPushBack(
                            multiIf(held = '', [], startsWith(held, '['), JSONExtractArrayRaw(held), [held]), given
                        ),
                        ','
                    ),
                    ']'
                ),
                operation = 'union',
                concat(
                    '[',
                    arrayStringConcat(
                        arrayDistinct(
                            arrayConcat(
                                multiIf(held = '', [], startsWith(held, '['), JSONExtractArrayRaw(held), [held]),
                                if(startsWith(given, '['), JSONExtractArrayRaw(given), [given])
                            )
                        ),
                        ','
                    ),
                    ']'
                ),
                held
            ),
            arrayMap(change -> change.2, arraySort(groupArray((place, operation, given))) AS ordered),
            arrayMap(change -> change.3, ordered),
            ''
        ) AS value
    FROM
    (
        SELECT
            user_key,
            (timestamp, toString(event_id), toString(event), user_key, number) AS place,
            change.operation AS operation,
            change.value AS given
        FROM identity_events FINAL
        ARRAY JOIN changes AS change, arrayEnumerate(changes) AS number
        WHERE project_id = /*project*/ AND user_key != '' AND change.name = /*property*/
    )
    GROUP BY person
)
WHERE value != ''

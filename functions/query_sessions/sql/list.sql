-- Sessions that begin in a range, the newest first, a page and one more; `open` says that an event could still go on with one.
SELECT
    toString(first_id) AS id,
    toUnixTimestamp64Micro(timestamp) AS began,
    toUnixTimestamp64Micro(over) AS ended,
    person,
    session_id,
    seconds,
    active,
    number,
    entry_page,
    exit_page,
    /*fields*/,
    cityHash64(person, session_id) AS hash
FROM /*sessions*/
WHERE /*conditions*/
ORDER BY began DESC, id DESC, hash DESC
LIMIT /*limit*/

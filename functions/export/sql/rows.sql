-- The chosen columns of whole events, each event once, in one order that is always the same. The columns have numbers for
-- names: an alias of a column's own name would stand for it in the conditions too. Parameters as in count.sql.
SELECT /*columns*/
FROM events FINAL
WHERE /*scope*/
ORDER BY timestamp, event_id, event, cityHash64(user_key)
/*limit*/

-- How many notices a user has not read, counted to a hundred. Parameters: user_id.
SELECT count(*) AS unread FROM (
    SELECT 1 FROM readers_of_notices n
    WHERE n.reader = %(user_id)s
        AND NOT EXISTS (SELECT 1 FROM notice_reads r WHERE r.user_id = n.reader AND r.seq = n.seq)
    LIMIT 100
) AS counted

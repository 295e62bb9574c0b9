-- What a user may read, the newest first: before a place, only the unread ones if that is asked.
-- Parameters: user_id, before (null for none), unread, most.
SELECT n.seq, n.project_id, n.project, n.kind, n.data, n.created_at, r.seq IS NOT NULL AS read
FROM readers_of_notices n
    LEFT JOIN notice_reads r ON r.user_id = n.reader AND r.seq = n.seq
WHERE n.reader = %(user_id)s AND (%(before)s::bigint IS NULL OR n.seq < %(before)s)
    AND (NOT %(unread)s OR r.seq IS NULL)
ORDER BY n.seq DESC LIMIT %(most)s

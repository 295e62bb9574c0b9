-- Note what a user has read: these, or all (null). Parameters: user_id, seqs.
INSERT INTO notice_reads (user_id, seq)
SELECT reader, seq FROM readers_of_notices
WHERE reader = %(user_id)s AND (%(seqs)s::bigint[] IS NULL OR seq = ANY(%(seqs)s))
ON CONFLICT DO NOTHING
RETURNING seq

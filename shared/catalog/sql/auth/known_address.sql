-- Whether a user signed in before, and from this address. Parameters: user_id, address, session_id (which is not meant).
SELECT count(*) > 0 AS before, count(*) FILTER (WHERE address = %(address)s) > 0 AS here
FROM sessions WHERE user_id = %(user_id)s AND id <> %(session_id)s

-- Block a user, or let them in again; a block that is there keeps its time. Parameters: user_id, blocked.
UPDATE users SET blocked_at = CASE WHEN %(blocked)s THEN coalesce(blocked_at, now()) END WHERE id = %(user_id)s
RETURNING id, email, blocked_at

-- End sessions of a user. Parameters: user_id, ids (null for all), but (a session to leave alone, or null), because.
UPDATE sessions SET revoked_at = now(), revoked_because = %(because)s
WHERE user_id = %(user_id)s AND revoked_at IS NULL AND expires_at > now()
    AND (%(ids)s::uuid[] IS NULL OR id = ANY (%(ids)s::uuid[])) AND id IS DISTINCT FROM %(but)s::uuid
RETURNING id

-- The recovery codes of a user, instead of those before. Parameters: user_id, hashes.
WITH before AS (DELETE FROM recovery_codes WHERE user_id = %(user_id)s)
INSERT INTO recovery_codes (user_id, code_hash) SELECT %(user_id)s, unnest(%(hashes)s::bytea[])

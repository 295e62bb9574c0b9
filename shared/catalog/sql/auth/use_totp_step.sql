-- Use the code of a step up; no row where that one or a later one was used. Parameters: user_id, step.
UPDATE users SET totp_step = %(step)s WHERE id = %(user_id)s AND totp_step < %(step)s RETURNING id

-- Keep a second factor's secret as it was sealed anew, unless it was replaced meanwhile. Parameters: id, before, sealed.
UPDATE users SET totp_secret = %(sealed)s WHERE id = %(id)s::uuid AND totp_secret = %(before)s RETURNING id

-- Keep a signing key as it was sealed anew, unless it was replaced meanwhile. Parameters: id, before, sealed.
UPDATE signing_keys SET sealed_key = %(sealed)s WHERE kid = %(id)s AND sealed_key = %(before)s RETURNING kid

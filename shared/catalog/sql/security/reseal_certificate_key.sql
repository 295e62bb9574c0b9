-- Keep a key of certificates as it was sealed anew, unless it was replaced meanwhile. Parameters: id, before, sealed.
UPDATE certificate_keys SET sealed_key = %(sealed)s WHERE kid = %(id)s AND sealed_key = %(before)s RETURNING kid

-- Keep the key behind a share as it was sealed anew, unless it was replaced meanwhile. Parameters: id, before, sealed.
UPDATE shares SET sealed_key = %(sealed)s WHERE id = %(id)s::uuid AND sealed_key = %(before)s RETURNING id

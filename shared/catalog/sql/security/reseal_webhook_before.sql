-- The same of the secret that a webhook had before. Parameters: id, before, sealed.
UPDATE webhooks SET previous_secret = convert_from(%(sealed)s, 'UTF8')
WHERE id = %(id)s::uuid AND previous_secret = convert_from(%(before)s, 'UTF8') RETURNING id

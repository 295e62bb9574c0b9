-- Keep a webhook's secret as it was sealed anew, unless it was replaced meanwhile; its texts come as bytes. Parameters: id,
-- before, sealed.
UPDATE webhooks SET secret = convert_from(%(sealed)s, 'UTF8')
WHERE id = %(id)s::uuid AND secret = convert_from(%(before)s, 'UTF8') RETURNING id

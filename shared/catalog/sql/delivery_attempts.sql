-- The attempts of a delivery, in order. Parameters: id.
SELECT number, at, took_ms, status, error, answer FROM delivery_attempts WHERE delivery_id = %(id)s ORDER BY number

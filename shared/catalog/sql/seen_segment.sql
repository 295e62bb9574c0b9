-- Note who was seen in a segment, by whoever looked after the generation before; no row where somebody else did, or where
-- it is another by now. Parameters: id, version, before, size, at, after.
UPDATE segments SET size = %(size)s, seen_at = %(at)s, generation = %(after)s
WHERE id = %(id)s AND version = %(version)s AND generation = %(before)s
RETURNING id

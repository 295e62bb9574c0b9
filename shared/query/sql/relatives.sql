-- All ids of the people of some keys, each with its person; keys without any link are not among them.
-- Parameters: keys, and what shared.query.identity binds in the links (pairs).
SELECT key, person
FROM (/*pairs*/) AS everybody
WHERE person IN /*keys*/ OR person IN (SELECT person FROM (/*pairs*/) AS theirs WHERE key IN /*keys*/)

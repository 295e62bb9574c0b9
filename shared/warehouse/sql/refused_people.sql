-- Everybody of whom nothing is stored now, with the key of their hash.
SELECT project_id, reason, person, pepper
FROM refused_people FINAL
WHERE active

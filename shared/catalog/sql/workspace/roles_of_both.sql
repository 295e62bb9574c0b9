-- The organisations of a user, held until the transaction ends, with the user's role and somebody else's (null where
-- they are no member). Parameters: user_id, other_id.
SELECT theirs.organisation_id, theirs.role, others.role AS other_role
FROM memberships AS theirs
JOIN organisations ON organisations.id = theirs.organisation_id
LEFT JOIN memberships AS others ON others.organisation_id = theirs.organisation_id AND others.user_id = %(other_id)s
WHERE theirs.user_id = %(user_id)s
ORDER BY theirs.organisation_id FOR UPDATE OF organisations

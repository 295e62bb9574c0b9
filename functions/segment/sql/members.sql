-- Members of a segment in the order of their keys, a page and one more.
SELECT person
FROM (/*members*/)
WHERE person > /*after*/
ORDER BY person
LIMIT /*limit*/

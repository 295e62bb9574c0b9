-- The kinds of instants at which several events happened, one of which can be several steps.
SELECT DISTINCT events
FROM
(
/*instants*/
)
WHERE arraySum(event -> event.2, events) > 1 AND arrayExists(event -> bitCount(event.1) > 1, events)
LIMIT /*limit*/

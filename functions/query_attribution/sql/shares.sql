-- What each value is credited with by each model: parts of conversions and of their worth. NULL had no touch.
SELECT key, /*credits*/
FROM /*parts*/
GROUP BY key
ORDER BY credit_1 DESC, key ASC NULLS LAST

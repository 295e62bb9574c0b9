-- How many people came to each step, the time it took them, and how those who came through are spread over time.
SELECT
    /*counts*/,
    /*took*/,
    sumMapIf([roundDown(intDiv(/*last*/.2, 1000000), /*bins*/)], [toUInt64(1)], /*last*/.1 > 0) AS spread
FROM /*people*/
WHERE reached_1.1 > 0

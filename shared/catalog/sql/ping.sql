-- Whether the catalog answers.
SELECT 1 AS alive

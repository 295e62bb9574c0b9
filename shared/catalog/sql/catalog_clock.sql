-- What time the catalog's own clock has. No parameters.
SELECT now() AS now

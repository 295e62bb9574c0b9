-- What changes with every row that is written: which state of the table was read.
SELECT count(), sum(cityHash64(project_id, reason, person, version))
FROM refused_people

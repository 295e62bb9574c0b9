-- How many events of a condition are kept under other names. Parameters are those of the condition.
SELECT count() FROM events FINAL WHERE /*where*/ AND /*plain*/

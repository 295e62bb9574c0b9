-- About how many events a day has: an event that was stored twice counts twice.
SELECT count() FROM events WHERE /*scope*/

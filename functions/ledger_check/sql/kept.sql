-- Events of a project that are there now, by when they were accepted. One row.
SELECT count() FROM events FINAL WHERE /*scope*/

-- The projects that have rules which events may decide before their windows end.
SELECT DISTINCT project_id FROM alerts WHERE quick AND NOT paused

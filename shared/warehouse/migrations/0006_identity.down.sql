-- Everybody is who their key says again. What events say comes back with the way up; merges that people made are lost.

DROP VIEW identity_events_made;

DROP TABLE identity_changes;

DROP TABLE identity_merges;

DROP TABLE identity_events;

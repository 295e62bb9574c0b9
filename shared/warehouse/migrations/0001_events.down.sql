DROP TABLE rejected_events;

DROP TABLE hour_changes;

DROP TABLE batches;

DROP TABLE events;

-- Runs can be made anew; segments come back from the catalog, uploaded lists do not.

DROP TABLE segment_members;

DROP TABLE segment_lists;

DROP TABLE segments;

DROP TABLE daily_metrics;

DROP TABLE user_sessions;

-- Which granules may hold an event or a user: decision 0025 says what each skips and costs.

ALTER TABLE events
    ADD INDEX IF NOT EXISTS by_id event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    ADD INDEX IF NOT EXISTS by_user user_key TYPE bloom_filter(0.001) GRANULARITY 1;

-- Of what is there already; it goes on behind, and until it is done the parts without it are read as before.
ALTER TABLE events MATERIALIZE INDEX by_id;

ALTER TABLE events MATERIALIZE INDEX by_user;

-- What ingest learns of an event beside what its sender wrote, and where a refused event came from.

ALTER TABLE events
    ADD COLUMN IF NOT EXISTS url String,
    ADD COLUMN IF NOT EXISTS hostname LowCardinality(String),
    ADD COLUMN IF NOT EXISTS path String,
    ADD COLUMN IF NOT EXISTS referrer String,
    ADD COLUMN IF NOT EXISTS referrer_domain LowCardinality(String),
    ADD COLUMN IF NOT EXISTS utm_source LowCardinality(String),
    ADD COLUMN IF NOT EXISTS utm_medium LowCardinality(String),
    ADD COLUMN IF NOT EXISTS utm_campaign LowCardinality(String),
    ADD COLUMN IF NOT EXISTS utm_term String,
    ADD COLUMN IF NOT EXISTS utm_content String,
    ADD COLUMN IF NOT EXISTS channel LowCardinality(String),
    ADD COLUMN IF NOT EXISTS browser LowCardinality(String),
    ADD COLUMN IF NOT EXISTS browser_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS os LowCardinality(String),
    ADD COLUMN IF NOT EXISTS os_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS device LowCardinality(String),
    ADD COLUMN IF NOT EXISTS country LowCardinality(String),
    ADD COLUMN IF NOT EXISTS ip String,
    ADD COLUMN IF NOT EXISTS bot Bool,
    ADD COLUMN IF NOT EXISTS bot_reason LowCardinality(String),
    ADD COLUMN IF NOT EXISTS library LowCardinality(String),
    ADD COLUMN IF NOT EXISTS library_version LowCardinality(String),
    ADD COLUMN IF NOT EXISTS revenue Nullable(Float64),
    ADD COLUMN IF NOT EXISTS currency LowCardinality(String),
    -- Attributes looked up in the project's reference tables, `table.attribute` by name.
    ADD COLUMN IF NOT EXISTS lookups Map(LowCardinality(String), String),
    -- Names older clients of the door know these by.
    ADD COLUMN IF NOT EXISTS event_type String ALIAS event,
    ADD COLUMN IF NOT EXISTS metadata String ALIAS properties_raw;

ALTER TABLE rejected_events
    ADD COLUMN IF NOT EXISTS source LowCardinality(String) DEFAULT 'store',
    ADD COLUMN IF NOT EXISTS key_prefix LowCardinality(String),
    ADD COLUMN IF NOT EXISTS event String,
    -- What is no UTF-8 text is kept as base64.
    ADD COLUMN IF NOT EXISTS raw_encoding LowCardinality(String) DEFAULT 'utf-8',
    ADD COLUMN IF NOT EXISTS request_id String;

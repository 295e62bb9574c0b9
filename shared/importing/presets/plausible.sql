-- Plausible's CSV export: sums of each day, not events. A row becomes one event, named after its file, with the sums
-- as numbers: `sum:visitors` of plausible_visitors is exact. People, paths and funnels are not in the export, and
-- are not made up: no event gets a user_id.
-- format: csv
-- columns: date VARCHAR, visitors VARCHAR, visits VARCHAR, pageviews VARCHAR, bounces VARCHAR, visit_duration VARCHAR, entrances VARCHAR, exits VARCHAR, events VARCHAR, time_on_page VARCHAR, total_time_on_page VARCHAR, total_time_on_page_visits VARCHAR, total_scroll_depth VARCHAR, total_scroll_depth_visits VARCHAR
'plausible_' || regexp_extract(getvariable('file'), '^(?:imported_)?(.*?)(?:_\d{8}_\d{8})?$', 1) AS event,
date AS timestamp,
TRY_CAST(visitors AS BIGINT) AS visitors,
TRY_CAST(visits AS BIGINT) AS visits,
TRY_CAST(pageviews AS BIGINT) AS pageviews,
TRY_CAST(bounces AS BIGINT) AS bounces,
TRY_CAST(visit_duration AS BIGINT) AS visit_duration,
TRY_CAST(entrances AS BIGINT) AS entrances,
TRY_CAST(exits AS BIGINT) AS exits,
TRY_CAST(events AS BIGINT) AS events,
TRY_CAST(time_on_page AS BIGINT) AS time_on_page,
TRY_CAST(total_time_on_page AS BIGINT) AS total_time_on_page,
TRY_CAST(total_time_on_page_visits AS BIGINT) AS total_time_on_page_visits,
TRY_CAST(total_scroll_depth AS BIGINT) AS total_scroll_depth,
TRY_CAST(total_scroll_depth_visits AS BIGINT) AS total_scroll_depth_visits,
* EXCLUDE (date, visitors, visits, pageviews, bounces, visit_duration, entrances, exits, events, time_on_page, total_time_on_page, total_time_on_page_visits, total_scroll_depth, total_scroll_depth_visits)

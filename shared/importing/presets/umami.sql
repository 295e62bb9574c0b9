-- Umami's table website_event as CSV with a header (`\copy website_event to 'events.csv' csv header`, or the file of
-- that name in a data export of Umami Cloud). Umami's session is a person on a device, its visit is our session.
-- format: csv
-- columns: event_id VARCHAR, session_id VARCHAR, visit_id VARCHAR, created_at VARCHAR, url_path VARCHAR, url_query VARCHAR, referrer_domain VARCHAR, referrer_path VARCHAR, referrer_query VARCHAR, page_title VARCHAR, event_type VARCHAR, event_name VARCHAR
coalesce(event_name, CASE WHEN event_type IS DISTINCT FROM '2' THEN 'page_view' END) AS event,
session_id AS anonymous_id,
coalesce(visit_id, session_id) AS session_id,
TRY_CAST(created_at AS TIMESTAMPTZ) AS timestamp,
event_id AS id,
url_path || coalesce('?' || url_query, '') AS url,
'https://' || referrer_domain || coalesce(referrer_path, '') || coalesce('?' || referrer_query, '') AS referrer,
page_title AS title,
* EXCLUDE (event_id, session_id, visit_id, created_at, url_path, url_query, referrer_domain, referrer_path, referrer_query, page_title, event_type, event_name)

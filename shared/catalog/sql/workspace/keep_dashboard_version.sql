-- Keep what a dashboard is at a version. Parameters: id, version, content, by.
INSERT INTO dashboard_versions (dashboard_id, version, content, saved_by)
VALUES (%(id)s, %(version)s, %(content)s, %(by)s)

-- Keep what a definition is at a version. Parameters: id, version, content, by.
INSERT INTO definition_versions (definition_id, version, content, saved_by)
VALUES (%(id)s, %(version)s, %(content)s, %(by)s)

-- What a definition was, the newest first, all or one version; its project is the caller's to check. Parameters: id, version
-- (or null), before_version (or null), most.
SELECT version, content, saved_by, saved_at FROM definition_versions
WHERE definition_id = %(id)s AND (%(version)s::integer IS NULL OR version = %(version)s)
    AND (%(before_version)s::integer IS NULL OR version < %(before_version)s)
ORDER BY version DESC LIMIT %(most)s

-- Members of other generations than the one that is kept. Parameters: project, segment, kept.
DELETE FROM segment_members
WHERE project_id = {project:UUID} AND segment_id = {segment:UUID} AND generation != {kept:UInt64}

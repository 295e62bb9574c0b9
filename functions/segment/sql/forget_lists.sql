-- Ids of other versions of a list than the one that is kept. Parameters: project, segment, kept.
DELETE FROM segment_lists
WHERE project_id = {project:UUID} AND segment_id = {segment:UUID} AND version < {kept:UInt64}

-- Keep who is in a segment now, under a generation of its own.
INSERT INTO segment_members (project_id, segment_id, generation, person)
SELECT /*project*/, /*segment*/, /*generation*/, person
FROM (/*members*/)
LIMIT /*most*/

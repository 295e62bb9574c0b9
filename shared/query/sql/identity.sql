-- The version of a project's identity, and whether there are links, and links between people. No link, no row: zeros.
-- Parameters: project, bound by shared.query.identity.
SELECT sum(links) + sum(chains) AS version, version > 0 AS linked, sum(chains) > 0 AS chained
FROM identity_changes
WHERE project_id = /*project*/

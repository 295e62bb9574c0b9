-- The ledger check begins anew with the way up; nothing else reads these.

DROP TABLE removed_projects;

DROP VIEW batch_places_made;

DROP TABLE batch_places;

ALTER TABLE batches
    DROP COLUMN IF EXISTS resent,
    DROP COLUMN IF EXISTS eventcount;

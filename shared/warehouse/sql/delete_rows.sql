-- Delete rows of a condition in one partition: as patches beside its parts, which every SELECT sees at once; the bytes
-- leave the disk when the engine next merges. A table without block numbers falls back to a mutation, not waited for.
DELETE FROM /*table*/ IN PARTITION ID '/*partition*/'
WHERE /*where*/
SETTINGS lightweight_delete_mode = 'lightweight_update', lightweight_deletes_sync = 0

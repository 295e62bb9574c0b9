-- The members of segments that were seen last. Parameters as in of_merges.sql.
project_id = /*project*/ AND person IN /*keys*/

-- Rows of one of the keys: sessions kept of their days, and lists that name them. Parameters as in of_merges.sql.
project_id = /*project*/ AND user_key IN /*keys*/

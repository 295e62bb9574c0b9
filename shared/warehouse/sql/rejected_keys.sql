-- Rejected events by their keys. Parameters: project, keys (an array of texts `batch:position`).
project_id = /*project*/ AND concat(toString(batch_id), ':', toString(position)) IN /*keys*/

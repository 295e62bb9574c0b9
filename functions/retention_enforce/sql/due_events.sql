-- Rows of events (or of what events said of people) that are kept no longer: they happened and were received before the cutoff
-- of their event, so an import of old days does not vanish. A later repeat of an event was received later, so none escapes that
-- would bring an older one back. The newest cutoff stands before all, as it bounds the partitions.
-- Parameters: project, newest, due, held, bound by functions.retention_enforce.plan.
project_id = /*project*/ AND timestamp < /*newest*/ AND received_at < /*newest*/ AND (/*due*/) AND /*held*/

-- Events that a project keeps no longer: they happened and were received before the cutoff, so an import of old days does
-- not vanish. A later repeat of an event was received later, so none escapes that would bring an older one back.
-- Parameters: project, cutoff, bound by functions.retention_enforce.logic.
project_id = /*project*/ AND timestamp < /*cutoff*/ AND received_at < /*cutoff*/

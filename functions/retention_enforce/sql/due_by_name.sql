-- Events of which one cutoff holds. Parameters: which, cutoff, bound by functions.retention_enforce.plan.
(/*which*/ AND timestamp < /*cutoff*/ AND received_at < /*cutoff*/)

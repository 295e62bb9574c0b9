-- Of whom nothing is stored now, as batch_write sees it. Parameter: project, bound by functions.gdpr_delete.watch.
SELECT reason, person
FROM refused_people FINAL
WHERE project_id = /*project*/ AND active

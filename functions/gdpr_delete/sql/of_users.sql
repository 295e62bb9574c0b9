-- Events of known people. Parameters: project, ids (an array of texts), bound by functions.gdpr_delete.stores.
project_id = /*project*/ AND user_id IN /*ids*/

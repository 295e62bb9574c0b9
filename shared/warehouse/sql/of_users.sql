-- Events of known people. Parameters: project, ids (an array of texts), bound by shared.warehouse.personal.
project_id = /*project*/ AND user_id IN /*ids*/

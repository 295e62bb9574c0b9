-- A new legal hold. Parameters: id, project_id, person (a user key, null for the whole project), reason.
INSERT INTO legal_holds (id, project_id, person, reason) VALUES (%(id)s, %(project_id)s, %(person)s, %(reason)s)

-- Whoever wants to know was told. Parameters: id, gone.
UPDATE quality_findings SET told_found = true, told_gone = told_gone OR %(gone)s WHERE id = %(id)s

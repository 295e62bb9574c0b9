-- Files were removed. Parameter: files.
DELETE FROM report_trash WHERE files = %(files)s

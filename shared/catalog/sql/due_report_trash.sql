-- Files nobody needs any more. Parameter: most.
SELECT files FROM report_trash WHERE remove_at <= now() ORDER BY files LIMIT %(most)s

-- Note files that are about to be stored: unless a run is kept with them, they are removed after a while. Parameters:
-- files, seconds.
INSERT INTO report_trash (files, remove_at) VALUES (%(files)s, now() + make_interval(secs => %(seconds)s))

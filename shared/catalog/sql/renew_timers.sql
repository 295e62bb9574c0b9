-- Hold on to the timers of a lease. Parameters: name, lease, seconds.
UPDATE timers SET lease_until = now() + make_interval(secs => %(seconds)s)
WHERE name = %(name)s AND lease = %(lease)s

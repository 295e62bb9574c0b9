-- End a timer. Parameters: name, item.
DELETE FROM timers WHERE name = %(name)s AND item = %(item)s

-- Events that say more than who somebody is. Parameters: none.
lower(replaceRegexpAll(event, '[$ ._-]', ''))
    NOT IN ('identify', 'alias', 'createalias', 'mergedangerously', 'group', 'set', 'profile')

-- What was replayed is not marked any more; replaying it again changes nothing.
DROP TABLE held_keys;

DROP TABLE rejected_replays;

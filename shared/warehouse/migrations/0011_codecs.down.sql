-- As it was; parts change with their next merge.

ALTER TABLE events MODIFY COLUMN timestamp CODEC(DoubleDelta, ZSTD(1));

-- What the catalog is: the server's version and the schema's.
SELECT
    split_part(current_setting('server_version'), ' ', 1) AS version,
    (SELECT max(version_num) FROM alembic_version) AS schema_version

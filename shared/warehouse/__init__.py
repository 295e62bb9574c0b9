"""The warehouse: ClickHouse over its HTTP interface, embedded (chDB) and in a cluster alike."""

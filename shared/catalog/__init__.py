"""The catalog: PostgreSQL, where organisations, projects and keys live."""

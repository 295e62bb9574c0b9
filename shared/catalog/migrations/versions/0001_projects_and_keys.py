"""Organisations, projects and API keys."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the first tables."""
    op.execute("""
        CREATE TABLE organisations (
            id uuid PRIMARY KEY,
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE projects (
            id uuid PRIMARY KEY,
            organisation_id uuid NOT NULL REFERENCES organisations (id),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            timezone text NOT NULL DEFAULT 'UTC',
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE api_keys (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id),
            kind text NOT NULL CHECK (kind IN ('public', 'secret')),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            prefix text NOT NULL,
            key_hash bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
            scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            revoked_at timestamptz,
            last_used_at timestamptz,
            CHECK (scopes <@ ARRAY['ingest', 'read', 'export', 'admin']),
            CHECK (kind = 'secret' OR scopes = ARRAY['ingest'])
        )
    """)
    op.execute("CREATE INDEX projects_organisation ON projects (organisation_id)")
    op.execute("CREATE INDEX api_keys_project ON api_keys (project_id, created_at)")


def downgrade() -> None:
    """Remove them."""
    op.execute("DROP TABLE api_keys")
    op.execute("DROP TABLE projects")
    op.execute("DROP TABLE organisations")

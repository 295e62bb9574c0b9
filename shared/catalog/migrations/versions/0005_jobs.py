"""Jobs: work that an HTTP request asks for and a function does later."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the table; `request`, `checkpoint` and `result` are JSON texts, kept as they were written."""
    op.execute("""
        CREATE TABLE jobs (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,31}$'),
            key text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
            state text NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
            progress double precision NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
            step integer NOT NULL DEFAULT 0,
            attempts integer NOT NULL DEFAULT 0,
            lease uuid,
            lease_until timestamptz,
            request text NOT NULL,
            checkpoint text,
            result text,
            error_code text,
            error_detail text,
            announced boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now(),
            started_at timestamptz,
            updated_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            UNIQUE (project_id, kind, key)
        )
    """)
    op.execute("CREATE INDEX jobs_listed ON jobs (project_id, kind, id)")
    op.execute("CREATE INDEX jobs_unfinished ON jobs (kind, updated_at) WHERE NOT announced")


def downgrade() -> None:
    """Remove it: jobs under way are forgotten, what they have written stays."""
    op.execute("DROP TABLE jobs")

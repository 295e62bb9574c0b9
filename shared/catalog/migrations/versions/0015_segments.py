"""Segments, and how long a pause ends a session of a project."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table; `definition` is a JSON text, kept as it was written.

    `generation` names the members that were seen last, 0 where nobody looked.
    """
    op.execute("""
        CREATE TABLE segments (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            description text NOT NULL DEFAULT '',
            kind text NOT NULL CHECK (kind IN ('dynamic', 'static')),
            definition text NOT NULL,
            version bigint NOT NULL DEFAULT 1,
            size bigint,
            seen_at timestamptz,
            generation bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE UNIQUE INDEX segments_named ON segments (project_id, lower(name))")
    op.execute("""
        ALTER TABLE projects
            ADD COLUMN session_gap_seconds integer NOT NULL DEFAULT 1800
                CHECK (session_gap_seconds BETWEEN 60 AND 86400)
    """)


def downgrade() -> None:
    """Segments are lost, and every project has half an hour again."""
    op.execute("ALTER TABLE projects DROP COLUMN session_gap_seconds")
    op.execute("DROP TABLE segments")

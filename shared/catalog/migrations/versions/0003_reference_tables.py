"""Reference tables: what ingest looks values of events up in."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; a reference table is one row, so that it is replaced and read as a whole."""
    op.execute("""
        CREATE TABLE reference_tables (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
            field text NOT NULL CHECK (char_length(field) BETWEEN 1 AND 300),
            version uuid NOT NULL,
            row_count integer NOT NULL CHECK (row_count > 0),
            content text NOT NULL,
            updated_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (project_id, name)
        )
    """)


def downgrade() -> None:
    """Remove it with its content."""
    op.execute("DROP TABLE reference_tables")

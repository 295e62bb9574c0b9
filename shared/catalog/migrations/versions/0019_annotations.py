"""Annotations: dated notes of a project, which its charts show."""

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the table."""
    op.execute("""
        CREATE TABLE annotations (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            at timestamptz NOT NULL,
            text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 500),
            created_by uuid REFERENCES users (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX annotations_dated ON annotations (project_id, at, id)")


def downgrade() -> None:
    """Remove it, and every note in it."""
    op.execute("DROP TABLE annotations")

"""Dead letters: records a function refused for good, kept for people."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table; `size` is what a letter counts against the bound on all of them."""
    op.execute("""
        CREATE TABLE dead_letters (
            id uuid PRIMARY KEY,
            event_type text NOT NULL,
            sink text NOT NULL,
            dest text NOT NULL,
            code integer NOT NULL,
            reason text NOT NULL,
            detail text NOT NULL,
            resent integer NOT NULL,
            since timestamptz NOT NULL,
            attributes text NOT NULL,
            data bytea NOT NULL,
            size integer NOT NULL CHECK (size >= 0)
        )
    """)
    op.execute("CREATE INDEX dead_letters_since ON dead_letters (since, id)")


def downgrade() -> None:
    """Remove it with its content."""
    op.execute("DROP TABLE dead_letters")

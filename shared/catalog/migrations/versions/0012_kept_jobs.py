"""Exports whose files are still there are found without reading every job there ever was."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the index of what may expire."""
    op.execute(
        "CREATE INDEX jobs_kept ON jobs (finished_at)"
        " WHERE kind = 'export' AND state = 'completed' AND announced AND expired_at IS NULL"
    )


def downgrade() -> None:
    """Remove it."""
    op.execute("DROP INDEX jobs_kept")

"""Who asked for a job, and the jobs of a project of every kind in the order of time."""

from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    """`asked_by` is `user:`, `key:` or `schedule:` with an id; empty where nobody is known, as of older jobs."""
    op.execute("ALTER TABLE jobs ADD COLUMN asked_by text NOT NULL DEFAULT ''")
    op.execute("CREATE INDEX jobs_of_project ON jobs (project_id, id)")


def downgrade() -> None:
    """Forget who asked."""
    op.execute("DROP INDEX jobs_of_project")
    op.execute("ALTER TABLE jobs DROP COLUMN asked_by")

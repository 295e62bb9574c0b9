"""Alert rules that judge groups, and rules that events may decide before their windows end."""

from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """`groups` is a JSON text, where each group of a rule stands; `group_name` is '' for the step of a whole rule."""
    op.execute("""
        ALTER TABLE alerts
            ADD COLUMN groups text NOT NULL DEFAULT '{}',
            ADD COLUMN quick boolean NOT NULL DEFAULT false
    """)
    op.execute("CREATE INDEX alerts_quick ON alerts (project_id) WHERE quick AND NOT paused")
    op.execute("ALTER TABLE alert_changes ADD COLUMN group_name text NOT NULL DEFAULT ''")


def downgrade() -> None:
    """Where groups stand is forgotten; their steps stay, as steps of their rules."""
    op.execute("ALTER TABLE alert_changes DROP COLUMN group_name")
    op.execute("DROP INDEX alerts_quick")
    op.execute("ALTER TABLE alerts DROP COLUMN groups, DROP COLUMN quick")

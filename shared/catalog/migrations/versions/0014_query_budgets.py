"""What the questions of a project may take, where that differs from the instance."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the columns; NULL means the instance's own limit, 0 rows any number, 'none' no budget to keep to."""
    op.execute("""
        ALTER TABLE project_limits
            ADD COLUMN query_rows bigint CHECK (query_rows >= 0),
            ADD COLUMN query_at_once integer CHECK (query_at_once BETWEEN 1 AND 1000),
            ADD COLUMN query_budget text CHECK (query_budget ~ '^([1-9][0-9]{0,11}/(second|minute|hour|day)|none)$')
    """)


def downgrade() -> None:
    """Remove them: every project's questions may take what the instance says again."""
    op.execute("""
        ALTER TABLE project_limits
            DROP COLUMN query_rows,
            DROP COLUMN query_at_once,
            DROP COLUMN query_budget
    """)

"""Limits of a project that differ from the instance's."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table; NULL means the instance's own limit, 'none' no limit at all."""
    op.execute("""
        CREATE TABLE project_limits (
            project_id uuid PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
            ingest_rate text CHECK (ingest_rate ~ '^([1-9][0-9]{0,11}/(second|minute|hour|day)|none)$'),
            read_rate text CHECK (read_rate ~ '^([1-9][0-9]{0,11}/(second|minute|hour|day)|none)$'),
            events_per_day bigint CHECK (events_per_day >= 0),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    """Remove it: every project has the instance's limits again."""
    op.execute("DROP TABLE project_limits")

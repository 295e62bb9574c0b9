"""Channels: webhooks in the form of a chat or an on-call service."""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Every webhook so far is of the kind `standard`; `options` is a JSON text, what a kind needs beside its secret."""
    op.execute("""
        ALTER TABLE webhooks
            ADD COLUMN kind text NOT NULL DEFAULT 'standard' CHECK (kind ~ '^[a-z_]{1,40}$'),
            ADD COLUMN options text NOT NULL DEFAULT '{}'
    """)


def downgrade() -> None:
    """Channels are forgotten: without their kind they would get what they cannot read."""
    op.execute("DELETE FROM webhooks WHERE kind <> 'standard'")
    op.execute("ALTER TABLE webhooks DROP COLUMN options, DROP COLUMN kind")

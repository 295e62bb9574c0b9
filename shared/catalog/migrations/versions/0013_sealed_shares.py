"""The key behind a share is sealed, and keys that signed audit checkpoints outlive the secret they came from."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Shares from before have no sealed key: they answer that they are to be made anew."""
    op.execute("ALTER TABLE shares ADD COLUMN sealed_key bytea")
    op.execute("""
        CREATE TABLE audit_signers (
            key_id text NOT NULL,
            public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
            endorsed_by text NOT NULL,
            signature bytea NOT NULL CHECK (octet_length(signature) = 64),
            endorsed_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (key_id, endorsed_by)
        )
    """)


def downgrade() -> None:
    """Take both away; checkpoints of earlier keys are unknown then."""
    op.execute("DROP TABLE audit_signers")
    op.execute("ALTER TABLE shares DROP COLUMN sealed_key")

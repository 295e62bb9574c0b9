"""When events without a timestamp were first seen, and which Idempotency-Keys are taken."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the two tables; both only hold rows of the last days, so neither refers to the project's row."""
    op.execute("""
        CREATE TABLE event_sightings (
            project_id uuid NOT NULL,
            sighting_id uuid NOT NULL,
            first_seen timestamptz NOT NULL,
            PRIMARY KEY (project_id, sighting_id)
        )
    """)
    op.execute("""
        CREATE TABLE idempotency_keys (
            project_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
            fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 32),
            first_seen timestamptz NOT NULL,
            PRIMARY KEY (project_id, key)
        )
    """)
    op.execute("CREATE INDEX event_sightings_first_seen ON event_sightings (first_seen)")
    op.execute("CREATE INDEX idempotency_keys_first_seen ON idempotency_keys (first_seen)")


def downgrade() -> None:
    """Remove them: retries under way at that moment may count as new events."""
    op.execute("DROP TABLE idempotency_keys")
    op.execute("DROP TABLE event_sightings")

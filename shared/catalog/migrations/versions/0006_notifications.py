"""Notifications: webhooks, and what is delivered to them and by mail."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the tables; an attempt is a row of its own, so that the log outlives a resend."""
    op.execute("""
        CREATE TABLE webhooks (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            url text NOT NULL CHECK (char_length(url) BETWEEN 1 AND 2000),
            description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 500),
            types text[] NOT NULL CHECK (cardinality(types) > 0),
            filter text NOT NULL DEFAULT '{}',
            secret text NOT NULL,
            previous_secret text,
            previous_until timestamptz,
            enabled boolean NOT NULL DEFAULT true,
            disabled_reason text NOT NULL DEFAULT '',
            failing_since timestamptz,
            last_delivered_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX webhooks_listed ON webhooks (project_id, id)")
    op.execute("CREATE INDEX webhooks_matching ON webhooks (id) WHERE enabled AND 'event.matched' = ANY (types)")
    _deliveries()


def _deliveries() -> None:
    op.execute("""
        CREATE TABLE deliveries (
            id uuid PRIMARY KEY,
            project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
            webhook_id uuid REFERENCES webhooks (id) ON DELETE CASCADE,
            address text,
            key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 300),
            event_type text NOT NULL,
            content text NOT NULL,
            state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'delivered', 'failed')),
            attempts integer NOT NULL DEFAULT 0,
            tries integer NOT NULL DEFAULT 0,
            next_at timestamptz NOT NULL DEFAULT now(),
            lease uuid,
            lease_until timestamptz,
            error text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL DEFAULT now(),
            finished_at timestamptz,
            CHECK ((webhook_id IS NULL) <> (address IS NULL))
        )
    """)
    op.execute("CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'queued'")
    op.execute("CREATE INDEX deliveries_listed ON deliveries (project_id, created_at, id)")
    op.execute("CREATE INDEX deliveries_of_webhook ON deliveries (webhook_id, created_at, id)")
    op.execute("CREATE INDEX deliveries_waiting ON deliveries (webhook_id) WHERE state = 'queued'")
    op.execute("CREATE INDEX deliveries_finished ON deliveries (finished_at) WHERE state <> 'queued'")
    op.execute("""
        CREATE TABLE delivery_attempts (
            delivery_id uuid NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
            number integer NOT NULL,
            at timestamptz NOT NULL,
            took_ms integer NOT NULL,
            status integer,
            error text NOT NULL DEFAULT '',
            answer text NOT NULL DEFAULT '',
            PRIMARY KEY (delivery_id, number)
        )
    """)


def downgrade() -> None:
    """Remove them: webhooks are forgotten, and what was not delivered yet is not any more."""
    for table in ("delivery_attempts", "deliveries", "webhooks"):
        op.execute(f"DROP TABLE {table}")

"""Incidents, who is told of them when, and when nobody is."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Make the tables; `policy`, `data` are JSON texts, kept as they were written.

    `incidents.rule_id` refers to no row on purpose: an incident outlives its rule. Of a rule and group (`dedup_key`)
    one incident is open at a time. `next_at` is when its escalation has to be looked at again, null for never.
    """
    op.execute("""
        CREATE TABLE policies (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            policy text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX policies_listed ON policies (project_id, id)")
    op.execute("""
        CREATE TABLE maintenance_windows (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            starts_at timestamptz NOT NULL,
            ends_at timestamptz NOT NULL CHECK (ends_at > starts_at),
            timezone text NOT NULL,
            weekly boolean NOT NULL,
            rules uuid[] NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX maintenance_windows_listed ON maintenance_windows (project_id, id)")
    op.execute("""
        CREATE TABLE incidents (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            rule_id uuid,
            dedup_key text NOT NULL CHECK (octet_length(dedup_key) BETWEEN 1 AND 1000),
            name text NOT NULL,
            group_name text NOT NULL,
            severity text NOT NULL CHECK (severity IN ('info', 'warning', 'error', 'critical')),
            policy_id uuid REFERENCES policies (id) ON DELETE SET NULL,
            state text NOT NULL CHECK (state IN ('open', 'acknowledged', 'resolved')),
            snoozed_until timestamptz,
            held text NOT NULL DEFAULT '' CHECK (held IN ('', 'maintenance', 'quiet')),
            in_maintenance boolean NOT NULL DEFAULT false,
            data text NOT NULL,
            source_id uuid NOT NULL,
            source_at timestamptz NOT NULL,
            step integer NOT NULL DEFAULT 0,
            step_at timestamptz,
            repeats integer NOT NULL DEFAULT 0,
            next_at timestamptz,
            version integer NOT NULL DEFAULT 1,
            opened_at timestamptz NOT NULL,
            acknowledged_at timestamptz,
            acknowledged_by text NOT NULL DEFAULT '',
            resolved_at timestamptz
        )
    """)
    op.execute("CREATE UNIQUE INDEX incidents_open ON incidents (project_id, dedup_key) WHERE state <> 'resolved'")
    op.execute("CREATE INDEX incidents_source ON incidents (source_id)")
    op.execute("CREATE INDEX incidents_listed ON incidents (project_id, opened_at, id)")
    op.execute("CREATE INDEX incidents_of_rule ON incidents (project_id, rule_id)")
    op.execute("CREATE INDEX incidents_due ON incidents (next_at) WHERE next_at IS NOT NULL")
    op.execute("""
        CREATE TABLE incident_steps (
            id uuid PRIMARY KEY,
            incident_id uuid NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
            at timestamptz NOT NULL,
            kind text NOT NULL,
            actor text NOT NULL,
            who text NOT NULL,
            note text NOT NULL,
            data text NOT NULL,
            number bigint GENERATED ALWAYS AS IDENTITY
        )
    """)
    op.execute("CREATE INDEX incident_steps_listed ON incident_steps (incident_id, number)")
    op.execute("""
        CREATE TABLE incident_batches (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            audience text NOT NULL,
            formed_at timestamptz NOT NULL,
            told boolean NOT NULL DEFAULT false
        )
    """)
    op.execute("CREATE INDEX incident_batches_latest ON incident_batches (project_id, audience, formed_at)")
    op.execute("CREATE INDEX incident_batches_untold ON incident_batches (formed_at) WHERE NOT told")
    op.execute("""
        CREATE TABLE incident_notices (
            id uuid PRIMARY KEY,
            incident_id uuid NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            kind text NOT NULL CHECK (kind IN ('opened', 'escalated', 'resolved')),
            emails text[] NOT NULL,
            channels uuid[] NOT NULL,
            language text NOT NULL,
            audience text NOT NULL,
            noted_at timestamptz NOT NULL,
            batch_id uuid REFERENCES incident_batches (id) ON DELETE SET NULL
        )
    """)
    op.execute(
        "CREATE INDEX incident_notices_waiting ON incident_notices (project_id, audience) WHERE batch_id IS NULL"
    )
    op.execute("CREATE INDEX incident_notices_of_incident ON incident_notices (incident_id)")
    op.execute("CREATE INDEX incident_notices_of_batch ON incident_notices (batch_id)")


def downgrade() -> None:
    """Remove them: incidents, policies and maintenance windows are gone, what was told stays told."""
    for table in (
        "incident_notices",
        "incident_batches",
        "incident_steps",
        "incidents",
        "maintenance_windows",
        "policies",
    ):
        op.execute(f"DROP TABLE {table}")

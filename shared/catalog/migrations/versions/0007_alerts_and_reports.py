"""Timers, alert rules with what they went through, reports with their runs."""

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables; `rule`, `asked` and `numbers` are JSON texts, kept as they were written."""
    op.execute("""
        CREATE TABLE timers (
            name text NOT NULL CHECK (name ~ '^[a-z][a-z_]{0,31}$'),
            item text COLLATE "C" NOT NULL CHECK (octet_length(item) <= 100),
            project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
            cron text NOT NULL,
            timezone text NOT NULL,
            watermark timestamptz NOT NULL,
            due_at timestamptz NOT NULL,
            lease uuid,
            lease_until timestamptz,
            attempts integer NOT NULL DEFAULT 0,
            error text,
            PRIMARY KEY (name, item)
        )
    """)
    op.execute("CREATE INDEX timers_due ON timers (name, due_at)")
    op.execute("""
        CREATE TABLE alerts (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            rule text NOT NULL,
            version integer NOT NULL DEFAULT 1,
            paused boolean NOT NULL DEFAULT false,
            state text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'pending', 'firing', 'resolved')),
            value double precision,
            pending_since timestamptz,
            incident_id uuid,
            evaluated_to timestamptz,
            problem_code text,
            problem_detail text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX alerts_listed ON alerts (project_id, id)")
    op.execute("""
        CREATE TABLE alert_changes (
            id uuid PRIMARY KEY,
            alert_id uuid NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            at timestamptz NOT NULL,
            before text NOT NULL,
            after text NOT NULL,
            value double precision,
            incident_id uuid,
            since timestamptz,
            code text,
            detail text,
            rule text NOT NULL,
            announced boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX alert_changes_listed ON alert_changes (alert_id, at, id)")
    op.execute("CREATE INDEX alert_changes_unannounced ON alert_changes (created_at) WHERE NOT announced")
    op.execute("""
        CREATE TABLE reports (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
            asked text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX reports_listed ON reports (project_id, id)")
    op.execute("""
        CREATE TABLE report_runs (
            id uuid PRIMARY KEY,
            report_id uuid NOT NULL REFERENCES reports (id) ON DELETE CASCADE,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            due_at timestamptz NOT NULL,
            trigger text NOT NULL CHECK (trigger IN ('schedule', 'request')),
            state text NOT NULL CHECK (state IN ('completed', 'failed')),
            asked text NOT NULL,
            numbers text,
            error_code text,
            error_detail text,
            announced boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX report_runs_listed ON report_runs (report_id, due_at, id)")


def downgrade() -> None:
    """Remove them: rules, reports and their history are gone, what was mailed stays mailed."""
    for table in ("report_runs", "reports", "alert_changes", "alerts", "timers"):
        op.execute(f"DROP TABLE {table}")

"""PII rules, retention by event, legal hold."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables.

    New projects keep events for a year and refused payloads for 30 days; those that are there do as before.
    """
    op.execute("ALTER TABLE projects ALTER COLUMN retention_days SET DEFAULT 365")
    # Null: as long as the events, as it was for every project so far.
    op.execute("ALTER TABLE projects ADD COLUMN rejected_days integer CHECK (rejected_days BETWEEN 1 AND 36500)")
    op.execute("ALTER TABLE projects ALTER COLUMN rejected_days SET DEFAULT 30")
    op.execute("""
        CREATE TABLE retention_rules (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            event text COLLATE "C" NOT NULL CHECK (char_length(event) BETWEEN 1 AND 200),
            days integer CHECK (days BETWEEN 1 AND 36500),
            PRIMARY KEY (project_id, event)
        )
    """)
    # `person` is a user key (`u:ada`, `a:device-1`), null for the whole project.
    op.execute("""
        CREATE TABLE legal_holds (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            person text COLLATE "C" CHECK (char_length(person) BETWEEN 3 AND 514),
            reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 1000),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            released_at timestamptz
        )
    """)
    op.execute("CREATE INDEX legal_holds_listed ON legal_holds (project_id, id)")
    op.execute("""
        ALTER TABLE retention_runs
            ALTER COLUMN days DROP NOT NULL,
            ALTER COLUMN cutoff DROP NOT NULL,
            ADD COLUMN plan text NOT NULL DEFAULT '{}',
            ADD COLUMN noted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            ADD COLUMN ended boolean NOT NULL DEFAULT false,
            ADD COLUMN held_rows bigint NOT NULL DEFAULT 0
    """)
    op.execute("""
        CREATE TABLE pii_rules (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            match text NOT NULL CHECK (match IN ('name', 'pattern', 'value')),
            text text COLLATE "C" NOT NULL CHECK (char_length(text) BETWEEN 1 AND 500),
            action text NOT NULL CHECK (action IN ('hash', 'drop', 'truncate')),
            length integer NOT NULL DEFAULT 0 CHECK (length BETWEEN 0 AND 1000),
            description text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX pii_rules_listed ON pii_rules (project_id, id)")


def downgrade() -> None:
    """Rules and holds are lost, and runs of projects that keep events for ever: the table had no place for them."""
    op.execute("DROP TABLE pii_rules")
    op.execute("DELETE FROM retention_runs WHERE days IS NULL OR cutoff IS NULL")
    op.execute("""
        ALTER TABLE retention_runs
            DROP COLUMN held_rows,
            DROP COLUMN ended,
            DROP COLUMN noted_at,
            DROP COLUMN plan,
            ALTER COLUMN cutoff SET NOT NULL,
            ALTER COLUMN days SET NOT NULL
    """)
    op.execute("DROP TABLE legal_holds")
    op.execute("DROP TABLE retention_rules")
    op.execute("ALTER TABLE projects DROP COLUMN rejected_days, ALTER COLUMN retention_days DROP DEFAULT")

"""Erasures, retention and scheduled exports."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the tables; each project gets a random key, by which it keeps whom it erased without saying who that is."""
    op.execute("""
        ALTER TABLE projects
            ADD COLUMN retention_days integer CHECK (retention_days BETWEEN 1 AND 36500),
            ADD COLUMN person_key bytea NOT NULL
                DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    """)
    op.execute("ALTER TABLE jobs ADD COLUMN expired_at timestamptz")
    _erasures()
    op.execute("""
        CREATE TABLE retention_runs (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            state text NOT NULL CHECK (state IN ('held', 'started', 'completed', 'dry_run')),
            days integer NOT NULL,
            cutoff timestamptz NOT NULL,
            at timestamptz NOT NULL,
            finished_at timestamptz,
            hours text NOT NULL DEFAULT '[]',
            hour_count integer NOT NULL DEFAULT 0,
            events bigint NOT NULL DEFAULT 0,
            rows bigint NOT NULL DEFAULT 0,
            rejected bigint NOT NULL DEFAULT 0,
            dropped_parts integer NOT NULL DEFAULT 0,
            left_rows bigint,
            detail text NOT NULL DEFAULT ''
        )
    """)
    op.execute("CREATE INDEX retention_runs_listed ON retention_runs (project_id, id)")
    op.execute("""
        CREATE TABLE export_schedules (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            cron text NOT NULL,
            timezone text NOT NULL,
            delay_minutes integer NOT NULL CHECK (delay_minutes BETWEEN 0 AND 10080),
            enabled boolean NOT NULL DEFAULT true,
            request text NOT NULL,
            next_start timestamptz NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX export_schedules_listed ON export_schedules (project_id, id)")


def _erasures() -> None:
    op.execute("""
        CREATE TABLE erased_people (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            person bytea NOT NULL CHECK (octet_length(person) = 32),
            job_id uuid NOT NULL,
            erased_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (project_id, person)
        )
    """)
    op.execute("""
        CREATE TABLE erasure_subjects (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            job_key text COLLATE "C" NOT NULL,
            people text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (project_id, job_key)
        )
    """)
    op.execute("""
        CREATE TABLE erasure_looks (
            project_id uuid PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
            stored_until timestamptz NOT NULL
        )
    """)


def downgrade() -> None:
    """Remove them: whom a project erased is forgotten, and who comes again is kept."""
    for table in ("export_schedules", "retention_runs", "erasure_looks", "erasure_subjects", "erased_people"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE jobs DROP COLUMN expired_at")
    op.execute("ALTER TABLE projects DROP COLUMN person_key, DROP COLUMN retention_days")

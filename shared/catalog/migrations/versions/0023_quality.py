"""Schemas of events and what is found wrong with them."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the tables; projects without a row of `quality_settings` observe, and mail nobody."""
    op.execute("""
        CREATE TABLE quality_settings (
            project_id uuid PRIMARY KEY REFERENCES projects (id) ON DELETE CASCADE,
            mode text NOT NULL DEFAULT 'observe' CHECK (mode IN ('observe', 'warn', 'reject')),
            mail_admins boolean NOT NULL DEFAULT false,
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
        )
    """)
    op.execute("""
        CREATE TABLE event_schemas (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            event text COLLATE "C" NOT NULL CHECK (char_length(event) BETWEEN 1 AND 200),
            compatibility text NOT NULL CHECK (compatibility IN ('none', 'backward', 'forward', 'full')),
            version integer NOT NULL CHECK (version > 0),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (project_id, event)
        )
    """)
    # A JSON text: what people wrote, byte for byte.
    op.execute("""
        CREATE TABLE event_schema_versions (
            schema_id uuid NOT NULL REFERENCES event_schemas (id) ON DELETE CASCADE,
            version integer NOT NULL CHECK (version > 0),
            schema text NOT NULL,
            note text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (schema_id, version)
        )
    """)
    # What a day of an event was like: `profile` is a JSON text without any value of an event, `penalties` what the
    # score lost. In `quality_looks` is the number of changes a day had when it was read.
    op.execute("""
        CREATE TABLE quality_days (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            day date NOT NULL,
            event text COLLATE "C" NOT NULL,
            profile text NOT NULL,
            score real CHECK (score BETWEEN 0 AND 100),
            penalties text NOT NULL DEFAULT '{}',
            PRIMARY KEY (project_id, day, event)
        )
    """)
    op.execute("""
        CREATE TABLE quality_looks (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            day date NOT NULL,
            ledger numeric NOT NULL,
            PRIMARY KEY (project_id, day)
        )
    """)
    op.execute("""
        CREATE TABLE quality_findings (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
            event text COLLATE "C" NOT NULL,
            property text COLLATE "C" NOT NULL DEFAULT '',
            value double precision NOT NULL,
            expected double precision,
            detail text NOT NULL,
            opened_at timestamptz NOT NULL,
            seen_at timestamptz NOT NULL,
            closed_at timestamptz,
            acknowledged_at timestamptz,
            acknowledged_by text NOT NULL DEFAULT '',
            note text NOT NULL DEFAULT '',
            told_found boolean NOT NULL DEFAULT false,
            told_gone boolean NOT NULL DEFAULT false
        )
    """)
    # One finding at most is open of each kind and place, whoever looks.
    op.execute("""
        CREATE UNIQUE INDEX quality_findings_open ON quality_findings (project_id, event, kind, property)
        WHERE closed_at IS NULL
    """)
    op.execute("CREATE INDEX quality_findings_listed ON quality_findings (project_id, id)")
    op.execute("""
        CREATE INDEX quality_findings_untold ON quality_findings (id)
        WHERE NOT told_found OR (closed_at IS NOT NULL AND NOT told_gone)
    """)
    op.execute("""
        CREATE TABLE dictionary_entries (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            event text COLLATE "C" NOT NULL CHECK (char_length(event) BETWEEN 1 AND 200),
            property text COLLATE "C" NOT NULL DEFAULT '' CHECK (char_length(property) <= 400),
            description text NOT NULL DEFAULT '',
            owner text NOT NULL DEFAULT '',
            tags text[] NOT NULL DEFAULT '{}',
            hidden boolean NOT NULL DEFAULT false,
            updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            UNIQUE (project_id, event, property)
        )
    """)


def downgrade() -> None:
    """Schemas, findings and descriptions are lost: the tables before had no place for them."""
    for table in (
        "dictionary_entries",
        "quality_findings",
        "quality_looks",
        "quality_days",
        "event_schema_versions",
        "event_schemas",
        "quality_settings",
    ):
        op.execute(f"DROP TABLE {table}")

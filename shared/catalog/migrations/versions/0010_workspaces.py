"""Workspaces: settings of projects, invitations, definitions, dashboards, shares, and the audit log."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the tables; `query`, `widgets`, `layout`, `before` and `after` are JSON texts, kept as they were written."""
    op.execute("""
        ALTER TABLE projects
            ADD COLUMN allowed_origins text[] NOT NULL DEFAULT '{}' CHECK (cardinality(allowed_origins) <= 100),
            ADD COLUMN ip_mode text CHECK (ip_mode IN ('truncate', 'keep', 'drop')),
            ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
            ADD COLUMN deleted_at timestamptz
    """)
    op.execute("ALTER TABLE organisations ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now()")
    op.execute("""
        CREATE TABLE invitations (
            id uuid PRIMARY KEY,
            organisation_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
            email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
            role text NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
            language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'ru')),
            token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
            invited_by uuid REFERENCES users (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            sent_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            accepted_at timestamptz,
            accepted_by uuid REFERENCES users (id) ON DELETE SET NULL,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX invitations_listed ON invitations (organisation_id, id)")
    op.execute("""
        CREATE UNIQUE INDEX invitations_open ON invitations (organisation_id, email)
            WHERE accepted_at IS NULL AND revoked_at IS NULL
    """)
    op.execute("""
        CREATE TABLE repeatable_requests (
            actor_id uuid NOT NULL,
            key text COLLATE "C" NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 255),
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            made_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (actor_id, key)
        )
    """)
    op.execute("CREATE INDEX repeatable_requests_age ON repeatable_requests (created_at)")
    _saved()
    _shares()
    _audit()


def _saved() -> None:
    op.execute("""
        CREATE TABLE definitions (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            kind text NOT NULL CHECK (kind ~ '^[a-z][a-z_]{0,31}$'),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 2000),
            tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 50),
            query text NOT NULL,
            last text NOT NULL DEFAULT '',
            version integer NOT NULL DEFAULT 1,
            created_by uuid REFERENCES users (id) ON DELETE SET NULL,
            updated_by uuid REFERENCES users (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX definitions_listed ON definitions (project_id, id)")
    op.execute("""
        CREATE TABLE dashboards (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            description text NOT NULL DEFAULT '' CHECK (char_length(description) <= 2000),
            access text NOT NULL DEFAULT 'organisation'
                CHECK (access IN ('private', 'organisation_reads', 'organisation')),
            widgets text NOT NULL DEFAULT '[]',
            layout text NOT NULL DEFAULT '{}',
            version integer NOT NULL DEFAULT 1,
            created_by uuid REFERENCES users (id) ON DELETE SET NULL,
            updated_by uuid REFERENCES users (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE INDEX dashboards_listed ON dashboards (project_id, id)")
    for kind in ("definition", "dashboard"):
        op.execute(f"""
            CREATE TABLE {kind}_versions (
                {kind}_id uuid NOT NULL REFERENCES {kind}s (id) ON DELETE CASCADE,
                version integer NOT NULL,
                content text NOT NULL,
                saved_by uuid REFERENCES users (id) ON DELETE SET NULL,
                saved_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY ({kind}_id, version)
            )
        """)


def _shares() -> None:
    op.execute("""
        CREATE TABLE shares (
            id uuid PRIMARY KEY,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            dashboard_id uuid NOT NULL REFERENCES dashboards (id) ON DELETE CASCADE,
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
            prefix text NOT NULL,
            embeddable boolean NOT NULL DEFAULT false,
            created_by uuid REFERENCES users (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX shares_listed ON shares (project_id, id)")
    op.execute("""
        ALTER TABLE api_keys
            ADD COLUMN share_id uuid REFERENCES shares (id) ON DELETE CASCADE,
            ADD COLUMN created_by uuid REFERENCES users (id) ON DELETE SET NULL,
            ADD COLUMN rotated_from uuid REFERENCES api_keys (id) ON DELETE SET NULL
    """)
    op.execute("CREATE INDEX api_keys_share ON api_keys (share_id) WHERE share_id IS NOT NULL")


def _audit() -> None:
    """The log has no foreign key: what was done stays on record when whoever did it, or where, is gone."""
    op.execute("""
        CREATE TABLE audit_log (
            organisation_id uuid NOT NULL,
            seq bigint NOT NULL CHECK (seq > 0),
            at timestamptz NOT NULL,
            actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'key', 'system', 'share')),
            actor_id text NOT NULL,
            actor_name text NOT NULL,
            action text NOT NULL CHECK (action ~ '^[a-z_]+\\.[a-z_]+$'),
            target text NOT NULL,
            project_id uuid,
            before text,
            after text,
            request_id text NOT NULL,
            address text NOT NULL,
            previous bytea NOT NULL,
            hash bytea NOT NULL CHECK (octet_length(hash) = 32),
            PRIMARY KEY (organisation_id, seq)
        )
    """)
    op.execute("CREATE TABLE audit_heads (organisation_id uuid PRIMARY KEY, seq bigint NOT NULL, hash bytea NOT NULL)")
    op.execute("""
        CREATE TABLE audit_checkpoints (
            organisation_id uuid NOT NULL,
            seq bigint NOT NULL,
            hash bytea NOT NULL,
            at timestamptz NOT NULL,
            key_id text NOT NULL,
            signature bytea NOT NULL CHECK (octet_length(signature) = 64),
            PRIMARY KEY (organisation_id, seq, key_id)
        )
    """)
    op.execute("""
        CREATE FUNCTION audit_field(value text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
            SELECT CASE WHEN value IS NULL THEN '-:'::bytea
                ELSE convert_to(octet_length(value)::text || ':', 'UTF8') || convert_to(value, 'UTF8') END
        $$
    """)
    op.execute("""
        CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE head record;
        BEGIN
            INSERT INTO audit_heads VALUES (NEW.organisation_id, 0, '') ON CONFLICT DO NOTHING;
            SELECT * INTO head FROM audit_heads WHERE organisation_id = NEW.organisation_id FOR UPDATE;
            NEW.seq := head.seq + 1;
            NEW.at := clock_timestamp();
            NEW.previous := head.hash;
            NEW.hash := sha256(
                head.hash || audit_field(NEW.organisation_id::text) || audit_field(NEW.seq::text)
                || audit_field((extract(epoch FROM NEW.at) * 1000000)::bigint::text)
                || audit_field(NEW.actor_kind) || audit_field(NEW.actor_id) || audit_field(NEW.actor_name)
                || audit_field(NEW.action) || audit_field(NEW.target) || audit_field(NEW.project_id::text)
                || audit_field(NEW.before) || audit_field(NEW.after)
                || audit_field(NEW.request_id) || audit_field(NEW.address));
            UPDATE audit_heads SET seq = NEW.seq, hash = NEW.hash WHERE organisation_id = NEW.organisation_id;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
        END $$
    """)
    op.execute("CREATE TRIGGER audit_chained BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_chain()")
    for table in ("audit_log", "audit_checkpoints"):
        op.execute(f"""
            CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
                FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()
        """)
    op.execute("CREATE INDEX audit_log_actions ON audit_log (organisation_id, action, seq)")


def downgrade() -> None:
    """Remove them: what was saved, shared and recorded is gone for good."""
    for table in ("audit_checkpoints", "audit_heads", "audit_log"):
        op.execute(f"DROP TABLE {table}")
    for function in ("audit_chain()", "audit_refuse()", "audit_field(text)"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("ALTER TABLE api_keys DROP COLUMN share_id, DROP COLUMN created_by, DROP COLUMN rotated_from")
    versions = ("dashboard_versions", "definition_versions")
    for table in ("shares", *versions, "dashboards", "definitions", "repeatable_requests", "invitations"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE organisations DROP COLUMN updated_at")
    op.execute("""
        ALTER TABLE projects DROP COLUMN allowed_origins, DROP COLUMN ip_mode, DROP COLUMN updated_at,
            DROP COLUMN deleted_at
    """)

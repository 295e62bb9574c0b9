"""Users: their memberships, sign-ins, second factors and mailed tokens, and the keys that sign access tokens."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the tables; every secret is kept as a digest, or sealed with a key that the database does not have."""
    op.execute("""
        CREATE TABLE users (
            id uuid PRIMARY KEY,
            email text NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254),
            name text NOT NULL DEFAULT '' CHECK (char_length(name) <= 200),
            language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'ru')),
            password_hash text,
            password_changed_at timestamptz,
            email_verified_at timestamptz,
            blocked_at timestamptz,
            totp_secret bytea,
            totp_confirmed_at timestamptz,
            totp_step bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            last_sign_in_at timestamptz
        )
    """)
    op.execute("CREATE UNIQUE INDEX users_email ON users (lower(email))")
    op.execute("""
        CREATE TABLE memberships (
            organisation_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
            user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            role text NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (organisation_id, user_id)
        )
    """)
    op.execute("CREATE INDEX memberships_user ON memberships (user_id)")
    _sessions()
    _second_factor()
    op.execute("""
        CREATE TABLE one_time_tokens (
            token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
            user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            purpose text NOT NULL CHECK (purpose IN ('password_reset', 'email_verification')),
            email text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            used_at timestamptz
        )
    """)
    op.execute("CREATE INDEX one_time_tokens_user ON one_time_tokens (user_id, purpose)")
    op.execute("""
        CREATE TABLE signing_keys (
            kid text PRIMARY KEY,
            public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
            sealed_key bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            signs_from timestamptz NOT NULL,
            expires_at timestamptz
        )
    """)
    _identities()


def _sessions() -> None:
    op.execute("""
        CREATE TABLE sessions (
            id uuid PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            kind text NOT NULL CHECK (kind IN ('api', 'browser')),
            method text NOT NULL CHECK (method IN ('password', 'totp', 'recovery_code', 'oidc')),
            address text NOT NULL DEFAULT '',
            user_agent text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL DEFAULT now(),
            last_used_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz,
            revoked_because text CHECK (revoked_because IN ('logout', 'revoked', 'password', 'reuse'))
        )
    """)
    op.execute("CREATE INDEX sessions_user ON sessions (user_id, created_at)")
    op.execute("CREATE INDEX sessions_age ON sessions (expires_at)")
    op.execute("""
        CREATE TABLE refresh_tokens (
            token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
            session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            used_at timestamptz,
            salt bytea CHECK (octet_length(salt) = 32),
            CHECK ((used_at IS NULL) = (salt IS NULL))
        )
    """)
    op.execute("CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id)")


def _second_factor() -> None:
    op.execute("""
        CREATE TABLE recovery_codes (
            user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            code_hash bytea NOT NULL CHECK (octet_length(code_hash) = 32),
            used_at timestamptz,
            PRIMARY KEY (user_id, code_hash)
        )
    """)


def _identities() -> None:
    op.execute("""
        CREATE TABLE identities (
            issuer text NOT NULL,
            subject text NOT NULL,
            user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (issuer, subject)
        )
    """)
    op.execute("CREATE INDEX identities_user ON identities (user_id)")
    op.execute("""
        CREATE TABLE oidc_sign_ins (
            state_hash bytea PRIMARY KEY CHECK (octet_length(state_hash) = 32),
            browser_hash bytea NOT NULL CHECK (octet_length(browser_hash) = 32),
            nonce text NOT NULL,
            verifier text NOT NULL,
            return_to text NOT NULL,
            expires_at timestamptz NOT NULL
        )
    """)


def downgrade() -> None:
    """Remove them: accounts and memberships are gone for good, organisations and keys stay."""
    tables = ("oidc_sign_ins", "identities", "signing_keys", "one_time_tokens", "recovery_codes")
    for table in (*tables, "refresh_tokens", "sessions", "memberships", "users"):
        op.execute(f"DROP TABLE {table}")

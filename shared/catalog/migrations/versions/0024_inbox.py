"""Notices in the app: what happened to somebody, or to a project they may look at, and what they have read of it."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Make the tables. A notice is a user's own, or of all members of a project from `least_role` on.

    `readers_of_notices` has a row for each notice and each who may read it.
    """
    op.execute("""
        CREATE TABLE notices (
            seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
            user_id uuid REFERENCES users (id) ON DELETE CASCADE,
            key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 300),
            kind text NOT NULL CHECK (kind ~ '^[a-z_]{1,40}$'),
            least_role text NOT NULL CHECK (least_role IN ('viewer', 'editor', 'admin')),
            data text NOT NULL CHECK (char_length(data) <= 8000),
            created_at timestamptz NOT NULL DEFAULT now(),
            CHECK ((project_id IS NULL) <> (user_id IS NULL)),
            UNIQUE NULLS NOT DISTINCT (project_id, user_id, key)
        )
    """)
    op.execute("CREATE INDEX notices_of_a_user ON notices (user_id, seq) WHERE user_id IS NOT NULL")
    op.execute("CREATE INDEX notices_by_age ON notices (created_at)")
    op.execute("""
        CREATE TABLE notice_reads (
            user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            seq bigint NOT NULL REFERENCES notices (seq) ON DELETE CASCADE,
            PRIMARY KEY (user_id, seq)
        )
    """)
    op.execute("CREATE INDEX notice_reads_of_a_notice ON notice_reads (seq)")
    op.execute("""
        CREATE VIEW readers_of_notices AS
        SELECT user_id AS reader, seq, project_id, NULL::text AS project, kind, data, created_at
        FROM notices WHERE user_id IS NOT NULL
        UNION ALL
        SELECT memberships.user_id, seq, project_id, projects.name, kind, data, notices.created_at
        FROM notices
            JOIN projects ON projects.id = notices.project_id AND projects.deleted_at IS NULL
            JOIN memberships USING (organisation_id)
        WHERE notices.user_id IS NULL AND CASE least_role
            WHEN 'viewer' THEN true
            WHEN 'editor' THEN memberships.role <> 'viewer'
            ELSE memberships.role IN ('owner', 'admin')
        END
    """)


def downgrade() -> None:
    """Forget all notices."""
    op.execute("DROP VIEW readers_of_notices")
    op.execute("DROP TABLE notice_reads")
    op.execute("DROP TABLE notices")

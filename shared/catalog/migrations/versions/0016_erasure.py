"""Erasures that certify, requests for access, consent."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables; whom a job is about is kept sealed from now on, and of no kind of job alone.

    `together` is the same for all ids of one person who was erased, so that one of them is enough to lift it.
    """
    op.execute("ALTER TABLE erased_people ADD COLUMN together bytea")
    op.execute("""
        ALTER TABLE erasure_subjects
            ADD COLUMN kind text NOT NULL DEFAULT 'erasure',
            ADD COLUMN sealed bytea,
            ALTER COLUMN people SET DEFAULT '',
            DROP CONSTRAINT erasure_subjects_pkey,
            ADD PRIMARY KEY (project_id, kind, job_key)
    """)
    op.execute("""
        CREATE TABLE certificate_keys (
            kid text PRIMARY KEY,
            public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
            sealed_key bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE TABLE consents (
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            person bytea NOT NULL CHECK (octet_length(person) = 32),
            state text NOT NULL CHECK (state IN ('withdrawn', 'granted')),
            source text NOT NULL DEFAULT '' CHECK (char_length(source) <= 200),
            version bigint NOT NULL,
            changed_at timestamptz NOT NULL,
            PRIMARY KEY (project_id, person)
        )
    """)


def downgrade() -> None:
    """Remove them: certificates stay with their jobs and cannot be verified here, and consent is forgotten."""
    op.execute("DROP TABLE consents")
    op.execute("DROP TABLE certificate_keys")
    op.execute("DELETE FROM erasure_subjects WHERE kind <> 'erasure'")
    op.execute("""
        ALTER TABLE erasure_subjects
            DROP CONSTRAINT erasure_subjects_pkey,
            DROP COLUMN kind,
            DROP COLUMN sealed,
            ALTER COLUMN people DROP DEFAULT,
            ADD PRIMARY KEY (project_id, job_key)
    """)
    op.execute("ALTER TABLE erased_people DROP COLUMN together")

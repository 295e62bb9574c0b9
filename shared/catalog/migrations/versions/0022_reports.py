"""Reports: what a run found, its files, the links to it, and keys that live as long as a report is asked for."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Runs from before have neither a result nor files.

    `result` is a JSON text; `files` is how the keys of a run's objects begin. However a run goes, what it had stored is
    noted in `report_trash`, so that nothing is left in a storage of which nobody knows.
    """
    op.execute("ALTER TABLE report_runs ADD COLUMN result text, ADD COLUMN files text")
    op.execute("CREATE INDEX report_runs_made ON report_runs (created_at)")
    op.execute("""
        CREATE TABLE report_trash (
            files text COLLATE "C" PRIMARY KEY,
            remove_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("""
        CREATE FUNCTION report_run_gone() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO report_trash (files) VALUES (OLD.files) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
    """)
    op.execute("""
        CREATE TRIGGER report_run_gone AFTER DELETE ON report_runs
        FOR EACH ROW WHEN (OLD.files IS NOT NULL) EXECUTE FUNCTION report_run_gone()
    """)
    op.execute("""
        CREATE TABLE report_shares (
            id uuid PRIMARY KEY,
            run_id uuid NOT NULL REFERENCES report_runs (id) ON DELETE CASCADE,
            project_id uuid NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
            token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
            prefix text NOT NULL,
            created_by uuid REFERENCES users (id) ON DELETE SET NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX report_shares_listed ON report_shares (run_id, id)")
    op.execute("ALTER TABLE api_keys ADD COLUMN passing boolean NOT NULL DEFAULT false")
    op.execute("CREATE INDEX api_keys_passing ON api_keys (expires_at) WHERE passing")


def downgrade() -> None:
    """Results and links are gone; the files stay in the storage under `reports/`."""
    op.execute("DELETE FROM api_keys WHERE passing")
    op.execute("ALTER TABLE api_keys DROP COLUMN passing")
    op.execute("DROP TABLE report_shares")
    op.execute("DROP TRIGGER report_run_gone ON report_runs")
    op.execute("DROP FUNCTION report_run_gone")
    op.execute("DROP TABLE report_trash")
    op.execute("DROP INDEX report_runs_made")
    op.execute("ALTER TABLE report_runs DROP COLUMN files, DROP COLUMN result")

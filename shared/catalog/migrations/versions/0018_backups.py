"""Backups, and what the ledger check has proven."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the tables of copies and of the ledger check."""
    # `holds_until`: every event acknowledged before is in the copy. `expires_at`: when the copy goes; null: never.
    op.execute("""
        CREATE TABLE backups (
            id uuid PRIMARY KEY,
            kind text NOT NULL DEFAULT 'asked' CHECK (kind IN ('asked', 'timer')),
            state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'completed', 'failed', 'deleted')),
            asked_by text NOT NULL DEFAULT '',
            created_at timestamptz NOT NULL DEFAULT now(),
            holds_until timestamptz,
            expires_at timestamptz,
            finished_at timestamptz,
            deleted_at timestamptz,
            lease_token uuid,
            lease_until timestamptz,
            attempts integer NOT NULL DEFAULT 0,
            checkpoint text,
            events bigint NOT NULL DEFAULT 0,
            rows bigint NOT NULL DEFAULT 0,
            bytes bigint NOT NULL DEFAULT 0,
            written_bytes bigint NOT NULL DEFAULT 0,
            files integer NOT NULL DEFAULT 0,
            drilled_at timestamptz,
            drill text,
            error_code text,
            error_detail text
        )
    """)
    op.execute("CREATE UNIQUE INDEX backups_one_at_once ON backups ((true)) WHERE state = 'running'")
    # `log` names the topic's incarnation; every offset from `since` to below `proven` was written or is in a row
    # of `ledger_gaps`; rows of this incarnation were stored after `begun_at`.
    op.execute("""
        CREATE TABLE ledger_partitions (
            log text NOT NULL,
            partition integer NOT NULL,
            since bigint NOT NULL,
            proven bigint NOT NULL,
            published bigint NOT NULL,
            begun_at timestamptz NOT NULL,
            checked_at timestamptz NOT NULL,
            PRIMARY KEY (log, partition)
        )
    """)
    op.execute("""
        CREATE TABLE ledger_gaps (
            id uuid PRIMARY KEY,
            kind text NOT NULL CHECK (kind IN ('missing', 'miscounted', 'lost_log')),
            log text NOT NULL,
            partition integer NOT NULL,
            first_offset bigint NOT NULL,
            last_offset bigint NOT NULL,
            explained bigint NOT NULL DEFAULT 0,
            project_id uuid,
            events bigint,
            detail text NOT NULL DEFAULT '',
            found_at timestamptz NOT NULL DEFAULT now(),
            told_at timestamptz,
            closed_at timestamptz,
            closed_by text NOT NULL DEFAULT '',
            UNIQUE (log, partition, kind, first_offset, last_offset)
        )
    """)
    # Records that were published again: each explains as many missing places as it was, and none of them twice.
    op.execute("""
        CREATE TABLE ledger_resent (
            batch_id uuid PRIMARY KEY,
            places integer NOT NULL,
            at timestamptz NOT NULL DEFAULT now()
        )
    """)
    # Places of records that were published again for another reader than batch_write, which writes no row for them.
    op.execute("""
        CREATE TABLE ledger_others (
            partition integer NOT NULL,
            place bigint NOT NULL,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (partition, place)
        )
    """)
    op.execute("CREATE INDEX ledger_gaps_open ON ledger_gaps (found_at) WHERE closed_at IS NULL")


def downgrade() -> None:
    """Remove them; the copies themselves stay where they are."""
    for table in ("ledger_others", "ledger_resent", "ledger_gaps", "ledger_partitions", "backups"):
        op.execute(f"DROP TABLE {table}")

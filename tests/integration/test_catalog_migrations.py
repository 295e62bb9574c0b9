from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shared.catalog.client import CatalogUnavailableError
from shared.catalog.migrate import CatalogMigrationError, current, downgrade, migrate

HEAD = "0026"


def tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def test_migrations_go_up_down_and_up_again(empty_catalog_url: str) -> None:
    assert current(empty_catalog_url) is None
    migrate(empty_catalog_url)
    first = tables(empty_catalog_url)
    assert first == {
        "alembic_version",
        "annotations",
        "organisations",
        "projects",
        "api_keys",
        "event_sightings",
        "idempotency_keys",
        "reference_tables",
        "dead_letters",
        "jobs",
        "audit_checkpoints",
        "audit_heads",
        "audit_log",
        "audit_signers",
        "certificate_keys",
        "consents",
        "dashboard_versions",
        "dashboards",
        "definition_versions",
        "definitions",
        "erased_people",
        "erasure_looks",
        "erasure_subjects",
        "export_schedules",
        "identities",
        "invitations",
        "memberships",
        "notice_reads",
        "notices",
        "oidc_sign_ins",
        "one_time_tokens",
        "project_limits",
        "recovery_codes",
        "refresh_tokens",
        "repeatable_requests",
        "retention_runs",
        "retention_rules",
        "legal_holds",
        "pii_rules",
        "dictionary_entries",
        "event_schema_versions",
        "event_schemas",
        "quality_days",
        "quality_findings",
        "quality_looks",
        "quality_settings",
        "backups",
        "ledger_gaps",
        "ledger_others",
        "ledger_partitions",
        "ledger_resent",
        "segments",
        "sessions",
        "shares",
        "signing_keys",
        "users",
        "webhooks",
        "deliveries",
        "delivery_attempts",
        "timers",
        "alerts",
        "alert_changes",
        "incidents",
        "incident_steps",
        "incident_batches",
        "incident_notices",
        "policies",
        "maintenance_windows",
        "reports",
        "report_runs",
        "report_shares",
        "report_trash",
    }
    assert current(empty_catalog_url) == HEAD
    downgrade(empty_catalog_url, "base")
    assert tables(empty_catalog_url) == {"alembic_version"}
    assert current(empty_catalog_url) is None
    migrate(empty_catalog_url)
    assert tables(empty_catalog_url) == first


def test_a_migrated_catalog_is_left_as_it_is(catalog_url: str) -> None:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("INSERT INTO organisations (id, name) VALUES (gen_random_uuid(), 'kept')")
    migrate(catalog_url)
    with psycopg.connect(catalog_url) as connection:
        assert connection.execute("SELECT name FROM organisations").fetchall() == [("kept",)]


def test_concurrent_migrators_wait_for_each_other(empty_catalog_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [empty_catalog_url] * 4))
    assert current(empty_catalog_url) == HEAD


def test_a_failed_migration_changes_nothing(empty_catalog_url: str) -> None:
    with psycopg.connect(empty_catalog_url) as connection:
        connection.execute("CREATE TABLE api_keys (in_the_way int)")
    with pytest.raises(Exception, match="already exists"):
        migrate(empty_catalog_url)
    assert tables(empty_catalog_url) == {"api_keys"}


def test_a_catalog_of_a_newer_version_is_refused(empty_catalog_url: str) -> None:
    migrate(empty_catalog_url)
    with psycopg.connect(empty_catalog_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogMigrationError, match="9999"):
        migrate(empty_catalog_url)


def test_migrating_without_a_server_says_that_it_is_away() -> None:
    with pytest.raises(CatalogUnavailableError, match="nobody_listens_here"):
        migrate("postgresql://sluice@/sluice?host=/tmp/nobody_listens_here")


@pytest.mark.parametrize(
    "row",
    [
        "'public', 'a name', ARRAY['read']",
        "'public', 'a name', ARRAY['ingest', 'read']",
        "'secret', 'a name', ARRAY['everything']",
        "'secret', 'a name', ARRAY[]::text[]",
        "'secret', 'a name', ARRAY[NULL]",
        "'secret', '', ARRAY['read']",
        "'root', 'a name', ARRAY['read']",
    ],
)
def test_a_key_beyond_its_kind_cannot_be_stored(catalog_url: str, row: str) -> None:
    with psycopg.connect(catalog_url) as connection:
        connection.execute("INSERT INTO organisations (id, name) VALUES (gen_random_uuid(), 'o')")
        connection.execute("INSERT INTO projects (id, organisation_id, name) SELECT id, id, 'p' FROM organisations")
        insert = "INSERT INTO api_keys (id, project_id, prefix, key_hash, kind, name, scopes)"
        values = f"SELECT gen_random_uuid(), id, 'slp_abcd', sha256('x'), {row} FROM projects"
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(f"{insert} {values}".encode())

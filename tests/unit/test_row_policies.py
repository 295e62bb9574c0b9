"""What a ClickHouse server is told about a project's login."""

from uuid import UUID

import pytest

from shared.warehouse.project_tables import TABLES
from shared.warehouse.row_policies import project_statements, removal_statements, shared_statements

PROJECT = UUID("01990000-0000-7000-8000-00000000000a")
DIGEST = "0123456789abcdef" * 4


def test_each_known_table_is_granted_and_filtered_and_no_other() -> None:
    granted = [statement for statement in shared_statements() if statement.startswith("GRANT")]
    assert granted == [f"GRANT SELECT ON sluice.{table} TO sluice_project_reader" for table in TABLES]
    filtered = [statement for statement in project_statements(PROJECT, DIGEST) if "ROW POLICY" in statement]
    assert len(filtered) == len(TABLES)
    assert all(f"USING project_id = toUUID('{PROJECT}') TO `{PROJECT}`" in statement for statement in filtered)


def test_a_user_without_its_policy_sees_nothing() -> None:
    closed = [statement for statement in shared_statements() if "ROW POLICY" in statement]
    assert len(closed) == len(TABLES)
    assert all(statement.endswith("USING 0 TO sluice_project_reader") for statement in closed)


def test_profile_cannot_be_changed_by_its_user() -> None:
    profile = shared_statements()[0]
    assert "final = 1 CONST" in profile
    assert profile.endswith("readonly = 1 CONST")
    assert profile.count(" = ") == profile.count("CONST")


@pytest.mark.parametrize("digest", ["", "x" * 64, DIGEST + "0", DIGEST.upper(), "'; DROP USER x --"])
def test_only_a_digest_is_written_into_a_statement(digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        project_statements(PROJECT, digest)


def test_removal_ends_user_and_policies() -> None:
    user, policies = removal_statements(PROJECT)
    assert user == f"DROP USER IF EXISTS `{PROJECT}`"
    assert all(f"ON sluice.{table}" in policies for table in TABLES)

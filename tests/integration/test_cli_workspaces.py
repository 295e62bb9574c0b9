"""`sluice projects`, `sluice members` and `sluice audit` on a real catalog."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.catalog.migrate import migrate

ROOT = Path(__file__).resolve().parents[2]
SECRET = "5b0e9c7d1f2a4836b7d0c9e8f1a2b3c4"


@pytest.fixture
def catalog_url(empty_catalog_url: str) -> str:
    """A catalog of the test's own: audit logs outlive the organisations of other tests, and some are tampered with."""
    migrate(empty_catalog_url)
    return empty_catalog_url


@pytest.fixture
def sluice(catalog_url: str, tmp_path: Path) -> Any:
    """Runs a command as an operator does, in a folder without settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    own = {"SLUICE_CATALOG_URL": catalog_url, "SLUICE_DATA": str(tmp_path / "d"), "JWT_SECRET_KEY": SECRET}

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "shared.cli.main", *arguments],
            cwd=tmp_path,
            env={**inherited, **own, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def organisation(catalog_url: str) -> uuid.UUID:
    made, user = uuid.uuid4(), uuid.uuid4()
    with psycopg.connect(catalog_url) as connection:
        connection.execute("INSERT INTO organisations (id, name) VALUES (%s, 'Acme')", (made,))
        connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (user, f"{made}@example.org"))
        connection.execute("INSERT INTO memberships VALUES (%s, %s, 'owner')", (made, user))
    return made


def test_a_project_is_made_and_listed_and_the_log_of_it_is_sound(sluice: Any, organisation: uuid.UUID) -> None:
    made = json.loads(sluice("projects", "create", "Shop", "--timezone", "Europe/Berlin", "--json"))
    assert made["write_key"].startswith("slp_")
    [listed] = json.loads(sluice("projects", "list", "--json"))
    assert (listed["id"], listed["timezone"]) == (made["id"], "Europe/Berlin")
    assert "There is no organisation" in sluice("projects", "create", "x", "--organisation", "none", code=1)
    assert "sound" in sluice("audit", "verify", "--organisation", str(organisation))


def test_the_last_owner_keeps_the_role_and_others_change_theirs(
    sluice: Any, organisation: uuid.UUID, catalog_url: str
) -> None:
    email = f"{organisation}@example.org"
    assert "last owner" in sluice("members", "set-role", email, "viewer", code=1)
    second = uuid.uuid4()
    with psycopg.connect(catalog_url) as connection:
        connection.execute("INSERT INTO users (id, email) VALUES (%s, %s)", (second, f"{second}@example.org"))
        connection.execute("INSERT INTO memberships VALUES (%s, %s, 'viewer')", (organisation, second))
    sluice("members", "set-role", f"{second}@example.org", "owner")
    roles = {row["email"]: row["role"] for row in json.loads(sluice("members", "list", "--json"))}
    assert roles == {email: "owner", f"{second}@example.org": "owner"}
    assert "none of" in sluice("members", "set-role", email, "king", code=2)


def test_verify_finds_what_was_cut_off_by_a_checkpoint_kept_elsewhere(
    sluice: Any, organisation: uuid.UUID, catalog_url: str, tmp_path: Path
) -> None:
    for name in ("A", "B"):
        sluice("projects", "create", name)
    kept = tmp_path / "checkpoints"
    kept.write_text(sluice("audit", "checkpoint"))
    assert str(organisation) in kept.read_text()
    admin = catalog_url.replace("//sluice@", "//postgres@")
    with psycopg.connect(admin) as connection:
        for table in ("audit_log", "audit_checkpoints"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            connection.execute(f"DELETE FROM {table} WHERE organisation_id = '{organisation}'".encode())
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER".encode())
        connection.execute("DELETE FROM audit_heads WHERE organisation_id = %s", (organisation,))
    of = ("--organisation", str(organisation))
    assert "sound" in sluice("audit", "verify", *of)
    assert "truncated" in sluice("audit", "verify", *of, "--checkpoints", str(kept), code=1)
    assert "holds no checkpoints" in sluice("audit", "verify", "--checkpoints", str(tmp_path), code=2)


def test_what_the_command_line_changes_is_on_record(sluice: Any, organisation: uuid.UUID, catalog_url: str) -> None:
    sluice("projects", "create", "Shop")
    key = json.loads(sluice("keys", "create", "--name", "ci", "--kind", "secret", "--json"))
    sluice("keys", "revoke", key["id"])
    sluice("limits", "--events-per-day", "100")
    sluice("token", "rotate")
    with psycopg.connect(catalog_url) as connection:
        rows = connection.execute(
            "SELECT organisation_id, action, actor_name, before, after FROM audit_log"
            " ORDER BY organisation_id DESC, seq"
        ).fetchall()
    ours = [row for row in rows if row[0] == organisation]
    assert [row[1] for row in ours] == ["project.created", "api_key.created", "api_key.revoked", "limits.changed"]
    assert {row[2] for row in rows} == {"sluice"}
    assert json.loads(ours[-1][3]) == {"events_per_day": None}
    assert json.loads(ours[-1][4]) == {"events_per_day": 100}
    assert key["key"] not in str(rows)
    assert [row[1] for row in rows if row[0] != organisation] == ["signing_key.rotated"]


def test_a_new_secret_seals_everything_anew_and_one_that_is_not_known_is_named(sluice: Any, catalog_url: str) -> None:
    sluice("token", "rotate")
    assert "1 secrets: 0 were sealed anew, 0 do not open" in sluice("secrets", "reseal")
    with psycopg.connect(catalog_url) as connection:
        connection.execute("UPDATE signing_keys SET sealed_key = decode('01aabbccdd00', 'hex')")
    assert "1 do not open" in sluice("secrets", "reseal", code=4)

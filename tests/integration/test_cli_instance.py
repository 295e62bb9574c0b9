"""The commands against a whole instance of its own: engines, functions and sources."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from shared.cli.main import app
from shared.local.control import read_state
from tests.load.instance import ROOT, Instance, private_instance

DAY = "2024-02-29"
NOON = 1_709_208_000


@pytest.fixture(scope="module")
def instance() -> Iterator[Instance]:
    with private_instance() as started:
        yield started


@pytest.fixture(autouse=True)
def here(instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Talk to that instance as somebody beside it would."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLUICE_URL", "SLUICE_KEY", "SLUICE_CATALOG_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLUICE_DATA", str(instance.data))
    monkeypatch.setenv("SLUICE_PORT", instance.write.url.rpartition(":")[2])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def told(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def count(event: str) -> int:
    value: int = told("query", "count", "--from", DAY, "--to", DAY, "--event", event)["value"]
    return value


def count_once_it_is(event: str, expected: int) -> int:
    deadline = time.monotonic() + 30
    while (found := count(event)) < expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def write_rows(path: Path, rows: int) -> Path:
    with gzip.open(path, "wt") as file:
        file.writelines(f'{{"at":{NOON + n % 3600},"who":{n % 11},"n":{n},"price":1.10}}\n' for n in range(rows))
    return path


def importing(name: str, event: str, *more: str) -> list[str]:
    return ["import", name, "--event", event, "--map", "timestamp=at,user_id=who", *more]


@pytest.mark.slow
def test_imported_rows_are_counted_once_however_often_they_are_imported(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.gz", 3_000)
    assert told(*importing("rows.gz", "twice"))["accepted"] == 3_000
    assert count_once_it_is("twice", 3_000) == 3_000
    assert told(*importing("rows.gz", "twice", "--batch", "77"))["accepted"] == 3_000
    time.sleep(1)
    assert count("twice") == 3_000
    query = ["query", "count", "--from", DAY, "--to", DAY, "--event", "twice"]
    assert told(*query, "--measure", "users")["value"] == 11
    assert told(*query, "--filter", "properties.n<10")["value"] == 10
    assert told(*query, "--filter", "user_id=3")["value"] == told(*query, "--filter", "user_id='3'")["value"] > 0


def test_an_import_goes_on_when_the_edge_is_killed_and_nothing_is_lost_or_doubled(
    instance: Instance, tmp_path: Path
) -> None:
    assert instance.data is not None
    write_rows(tmp_path / "rows.gz", 20_000)
    command = [sys.executable, "-m", "shared.cli.main", *importing("rows.gz", "killed", "--batch", "50", "--json")]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while count("killed") == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(read_state(instance.data)["parts"]["edge"], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    outcome = json.loads(out)
    assert (outcome["accepted"], outcome["lost"]) == (20_000, 0)
    assert count_once_it_is("killed", 20_000) == 20_000


def test_a_made_key_works_within_its_scope_until_it_is_revoked(tmp_path: Path) -> None:
    made = told("keys", "create", "--name", "reader", "--kind", "secret", "--scope", "read")
    assert run("query", "count", "--key", made["key"]).exit_code == 0
    write_rows(tmp_path / "rows.gz", 1)
    refused = run(*importing("rows.gz", "scope", "--key", made["key"]))
    assert (refused.exit_code, "scope_missing" in refused.stderr) == (1, True)
    listed = {key["id"]: key for key in told("keys", "list")}
    assert listed[made["id"]]["scopes"] == ["read"]
    assert made["key"] not in json.dumps(listed)
    assert run("keys", "revoke", made["id"]).exit_code == 0
    deadline = time.monotonic() + 5.5
    while (after := run("query", "count", "--key", made["key"])).exit_code == 0 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "key_revoked" in after.stderr


def test_an_id_is_whole_in_the_list_of_keys_and_a_key_is_found_by_its_beginning() -> None:
    made = told("keys", "create", "--name", "short-lived", "--expires", "1d")
    shown = run("keys", "list").stdout
    assert made["id"] in shown
    assert "short-lived" in shown
    revoked = run("keys", "revoke", made["key"][:8])
    assert "short-lived" in revoked.stdout
    assert "revoked" in next(line for line in run("keys", "list").stdout.splitlines() if made["id"] in line)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_key_without_a_usable_name_is_one_sentence(name: str) -> None:
    result = run("keys", "create", "--name", name, "--kind", "secret")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "--name: 1 to 200 characters" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["keys", "create", "--name", "a\0b"], "the catalog refuses create_key"),
        (["keys", "revoke", "slp_none"], "There is no key slp_none"),
        (["keys", "list", "--project", "11111111-2222-4333-8444-555555555555"], "there are: "),
    ],
)
def test_an_unknown_key_or_project_is_a_sentence(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, sentence in result.stderr) == (1, True)


def test_doctor_finds_a_healthy_instance_well_and_stores_nothing(instance: Instance) -> None:
    before = instance.count()
    found = {finding["what"]: finding for finding in told("doctor")}
    assert all(finding["well"] for finding in found.values())
    assert {"edge", "work", "sources", "warehouse", "key for events", "key for queries"} <= found.keys()
    assert instance.count() == before


def test_doctor_can_follow_one_event_through(instance: Instance) -> None:
    before = instance.count()
    trip = told("doctor", "--send")[-1]
    assert (trip["what"], trip["well"]) == ("round trip", True)
    assert instance.count() == before + 1


def test_doctor_names_a_refused_key(instance: Instance) -> None:
    result = run("doctor", "--key", "slp_" + "x" * 43)
    assert result.exit_code == 1
    assert "✗ key for events: refused (401)" in result.stdout
    assert "sluice keys list" in result.stdout
    assert instance.write.key not in result.stdout

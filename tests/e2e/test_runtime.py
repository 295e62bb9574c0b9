"""The commands around an instance: started twice, looked at, killed, stopped. Its data folder has a long path."""

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator

import pytest

from shared.wiring import load_wiring
from tests.e2e.running import Running, running, wait_until

LONGEST_SOCKET_PATH = 107
PARTS = {"supervisor", "postgres", "valkey", "warehouse", "edge", "work", "sources"}
DRAIN_SECONDS = 60


@pytest.fixture(scope="module")
def own() -> Iterator[Running]:
    with running("a-long-way-down", "x" * 60, "y" * 60, "data") as started:
        yield started


@pytest.fixture
def up(own: Running) -> Running:
    """The module's instance, running."""
    if not own.state().get("parts"):
        own.up()
    return own


def store_one(instance: Running) -> None:
    """One more event, counted."""
    before = instance.count(instance.demo_project)
    assert instance.post({"event": "e"}, instance.demo_project).status_code == 202
    wait_until(lambda: instance.count(instance.demo_project) == before + 1, 30, "the event counts")


@pytest.mark.slow
def test_a_data_folder_with_a_long_path_works(up: Running) -> None:
    assert len(os.fsencode(up.data)) > LONGEST_SOCKET_PATH
    store_one(up)


def test_what_holds_secrets_is_for_its_owner_only(up: Running) -> None:
    for name in ("demo.json", "runtime.json", "secrets.json"):
        assert stat.S_IMODE((up.data / name).stat().st_mode) == 0o600, name
    demo = json.loads((up.data / "demo.json").read_text())
    assert demo.keys() >= {"url", "project_id", "write_key", "secret_key"}
    assert demo["url"] == f"http://localhost:{up.port}"


def test_a_second_up_says_that_it_is_already_running_and_changes_nothing(up: Running) -> None:
    before, demo = up.state(), (up.data / "demo.json").read_text()
    again = up.cli("up")
    assert (again.returncode, "already running" in again.stdout) == (0, True), again.stdout + again.stderr
    assert demo == (up.data / "demo.json").read_text()
    assert up.state()["parts"] == before["parts"]
    assert up.demo.write_key in again.stdout


def test_status_names_every_part_with_its_memory_and_the_lag(up: Running) -> None:
    done = up.cli("status", "--json")
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["state"] == "ready"
    parts = {part["name"]: part for part in status["parts"]}
    assert parts.keys() == PARTS
    assert all(part["running"] and part["memory"] > 1_000_000 and part["pid"] for part in parts.values())
    reading = {function.service for function in load_wiring().functions if function.topics}
    assert status["lag"] == dict.fromkeys(reading, 0)
    shown = up.cli("status")
    assert all(name in shown.stdout for name in PARTS)


def test_a_taken_port_is_named_with_what_to_do(up: Running) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environ = {"SLUICE_PORT": str(port), "SLUICE_DATA": str(up.data.parent / "another")}
        done = up.cli("up", environ=environ)
    assert done.returncode != 0
    assert f"port {port} (edge)" in done.stderr
    assert "SLUICE_PORT=" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_ports_of_a_running_instance_are_taken_for_another(up: Running) -> None:
    done = up.cli("up", environ={"SLUICE_DATA": str(up.data.parent / "another")})
    assert (done.returncode != 0, f"port {up.port} " in done.stderr) == (True, True), done.stderr
    store_one(up)


@pytest.mark.slow
def test_a_killed_supervisor_leaves_no_orphan_and_the_next_up_has_all_data(up: Running) -> None:
    store_one(up)
    before, demo = up.count(up.demo_project), up.demo
    up.note_processes()
    os.kill(up.state()["pid"], signal.SIGKILL)
    wait_until(lambda: not up.living(), DRAIN_SECONDS, "no part outlives its supervisor")
    assert up.cli("status").returncode != 0
    up.up()
    assert up.demo == demo
    assert up.count(up.demo_project) == before
    store_one(up)


@pytest.mark.slow
def test_up_works_while_the_parts_of_a_killed_supervisor_still_end(up: Running) -> None:
    up.note_processes()
    os.kill(up.state()["pid"], signal.SIGKILL)
    wait_until(lambda: up.cli("up").returncode == 0, DRAIN_SECONDS, "an `up` works without any help")
    up.note_processes()
    store_one(up)


def test_down_leaves_no_process_and_keeps_the_data(up: Running) -> None:
    store_one(up)
    before = up.count(up.demo_project)
    up.note_processes()
    assert len(up.living()) >= len(PARTS)
    done = up.cli("down")
    assert (done.returncode, done.stdout.strip()) == (0, "Stopped.")
    assert up.living() == []
    assert up.cli("down").stdout.strip() == "Nothing was running."
    status = up.cli("status")
    assert (status.returncode != 0, "not running" in status.stderr) == (True, True)
    up.up()
    assert up.count(up.demo_project) == before


def test_a_part_that_crashes_is_started_again_and_counted(up: Running) -> None:
    before = up.state()["restarts"].get("work", 0)
    up.wait_restarted("work", up.kill("work"))
    wait_until(lambda: _served(up), 30, "queries are answered again")
    status = json.loads(up.cli("status", "--json").stdout)
    assert {part["name"]: part["restarts"] for part in status["parts"]}["work"] == before + 1


def _served(instance: Running) -> bool:
    reply = instance.http.get("/api/v1/query/count", headers={"X-API-Key": instance.demo.secret_key})
    return reply.status_code == 400

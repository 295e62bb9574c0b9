"""Each function starts alone, by the real functions-framework and as in a container, though no engine is there."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from shared.events import ACCEPTED
from shared.wiring import load_wiring
from tests.integration.door_process import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # every function both ways, all at the same time

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = {
    "JWT_SECRET_KEY": "8f2c17d09be34a65" * 4,
    "SLUICE_BUS_URL": "redis://127.0.0.1:9/0",
    "SLUICE_WAREHOUSE_URL": "http://sluice:secretword@127.0.0.1:9/default",
    "SLUICE_CATALOG_URL": "postgresql://sluice:secretword@127.0.0.1:9/sluice",
    "SLUICE_CACHE_URL": "redis://127.0.0.1:9/0",
    "SLUICE_OBJECTS_URL": "file:///nowhere",
}
UNKNOWN_KEY = "sls_" + "k" * 43
STARTS_WITHIN = 60.0
STOPS_WITHIN = 30.0
IDLE_SECONDS = 6.0  # uvicorn's own default closes after five


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One HTTP/1.1 connection, byte by byte: nothing hides a missing length or a closed line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._stream = self._socket.makefile("rb")

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        self.begin(method, path, headers, body)
        return self.answer()

    def begin(self, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        given = {"Host": "test", "Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    def answer(self) -> Answer:
        status = int(self._stream.readline().split()[1])
        found: dict[str, str] = {}
        while line := self._stream.readline().strip():
            name, _, value = line.decode().partition(":")
            assert name.lower() not in found, f"{name} is sent twice"
            found[name.lower()] = value.strip()
        assert "transfer-encoding" not in found
        return Answer(status, found, self._stream.read(int(found["content-length"])))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._socket.close()


class Served:
    """A function in a process of its own."""

    def __init__(self, name: str, argv: list[str], port: int, log: Path, env: dict[str, str]) -> None:
        self.name = name
        self.port = port
        self._log = log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv, cwd=ROOT, env={**inherited, **env}, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_until_alive(self) -> Self:
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with Connection(self.port) as connection:
                    assert connection.ask("GET", "/healthz").status == 200
                return self
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"no answer, exit code {self.process.poll()}: {self.log}")

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)


def by_framework(name: str, log: Path, env: dict[str, str]) -> Served:
    port = free_port()
    program = str(Path(sys.executable).with_name("functions-framework"))
    options = {"source": f"functions/{name}/main.py", "target": "main", "host": "127.0.0.1", "port": str(port)}
    argv = [program, "--asgi", *(part for key, value in options.items() for part in (f"--{key}", value))]
    return Served(name, argv, port, log, env)


def as_container(name: str, log: Path, env: dict[str, str]) -> Served:
    port = free_port()
    return Served(name, [sys.executable, "-m", "shared.function", name], port, log, {**env, "PORT": str(port)})


WAYS = {"framework": by_framework, "container": as_container}
FUNCTIONS = [row.name for row in load_wiring().functions]


@pytest.fixture(scope="module")
def all_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """Every function both ways, started together and stopped together, each with exit code 0."""
    logs = tmp_path_factory.mktemp("logs")
    started = {f"{way}-{name}": WAYS[way](name, logs / f"{way}-{name}", NOWHERE) for way in WAYS for name in FUNCTIONS}
    try:
        for function in started.values():
            function.wait_until_alive()
        yield started
        for function in started.values():
            function.process.send_signal(signal.SIGTERM)
        for name, function in started.items():
            assert function.process.wait(STOPS_WITHIN) == 0, f"{name}: {function.log}"
            assert "Traceback" not in function.log
    finally:
        for function in started.values():
            function.end()


@pytest.fixture(params=[f"{way}-{name}" for way in WAYS for name in FUNCTIONS])
def served(request: pytest.FixtureRequest, all_served: dict[str, Served]) -> Served:
    return all_served[request.param]


# The gateway has no engine: it is ready when it is alive.
@pytest.fixture(params=[f"{way}-{name}" for way in WAYS for name in FUNCTIONS if name != "gateway"])
def on_engines(request: pytest.FixtureRequest, all_served: dict[str, Served]) -> Served:
    return all_served[request.param]


def test_one_connection_serves_many_answers_each_with_its_length(served: Served) -> None:
    with Connection(served.port) as connection:
        for _ in range(3):
            alive = connection.ask("GET", "/healthz")
            assert (alive.status, alive.body) == (200, b'{"status":"alive"}')
            assert "x-request-id" in alive.headers
            assert "traceparent" in alive.headers
        metrics = connection.ask("GET", "/metrics")
        assert metrics.headers["content-type"].startswith("text/plain; version=")
        assert b"sluice_http_request_seconds" in metrics.body


def test_a_function_whose_engines_are_away_says_it_is_not_ready(on_engines: Served) -> None:
    with Connection(on_engines.port) as connection:
        answer = connection.ask("GET", "/readyz")
    assert (answer.status, json.loads(answer.body)["code"]) == (503, "unavailable")
    assert "secretword" not in answer.body.decode() + on_engines.log


def test_a_real_request_is_answered_with_a_problem_document(served: Served) -> None:
    with Connection(served.port) as connection:
        for headers in ({}, {"X-API-Key": UNKNOWN_KEY}):
            answer = connection.ask("POST", "/", {**headers, "Content-Type": "application/json"}, b'{"event":"x"}')
            problem = json.loads(answer.body)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.status in {400, 401, 404, 405, 503}
            assert (problem["status"], problem["request_id"]) == (answer.status, answer.headers["x-request-id"])
            assert ("retry-after" in answer.headers) == (answer.status == 503)


@pytest.mark.parametrize("way", WAYS)
def test_header_names_of_a_cloudevent_are_read_in_any_case(way: str, all_served: dict[str, Served]) -> None:
    project, batch = "018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-00000000000b"
    headers = {
        "Ce-SpecVersion": "1.0",
        "CE-ID": batch,
        "cE-sOURCE": "/sluice/ingest",
        "ce-type": ACCEPTED,
        "Ce-Time": "2026-01-31T12:00:00.000000Z",
        "CE-Project": project,
        "Content-Type": "application/x-ndjson",
    }
    with Connection(all_served[f"{way}-batch_write"].port) as connection:
        assert connection.ask("POST", "/", headers).status == 503
        refused = connection.ask("POST", "/", {**headers, "CE-ID": ""})
    assert (refused.status, refused.headers["kne-refusal"]) == (400, "not_a_cloudevent")


def test_every_log_line_is_one_json_object_that_names_its_function_and_request(on_engines: Served) -> None:
    with Connection(on_engines.port) as connection:
        asked = connection.ask("GET", "/readyz", {"X-Request-Id": "from-the-test"})
    assert asked.status == 503
    # gunicorn, which serves under functions-framework, begins its own lines with [time]
    lines = [as_json(line) for line in on_engines.log.splitlines() if not line.startswith("[20")]
    [line] = [line for line in lines if line.get("request_id") == "from-the-test" and line["event"] == "unavailable"]
    assert (line["level"], line["function"]) == ("warning", on_engines.name)
    assert [line["trace_id"], line["span_id"]] == asked.headers["traceparent"].split("-")[1:3]


def test_containers_keep_idle_connections(all_served: dict[str, Served]) -> None:
    with ExitStack() as stack:
        lines = {name: stack.enter_context(Connection(all_served[f"container-{name}"].port)) for name in FUNCTIONS}
        assert {name for name, line in lines.items() if line.ask("GET", "/healthz").status != 200} == set()
        time.sleep(IDLE_SECONDS)
        assert {name for name, line in lines.items() if line.ask("GET", "/healthz").status != 200} == set()


def as_json(line: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise AssertionError(f"not one JSON object: {line!r}") from error
    return found


def test_a_function_without_its_settings_ends_and_names_all_of_them(tmp_path: Path) -> None:
    function = as_container("ingest", tmp_path / "log", {})
    try:
        assert function.process.wait(STARTS_WITHIN) != 0
    finally:
        function.end()
    assert "SLUICE_BUS_URL is required" in function.log
    assert "SLUICE_CATALOG_URL is required" in function.log


def test_a_request_in_flight_is_finished_before_the_function_stops(tmp_path: Path) -> None:
    function = as_container("ingest", tmp_path / "log", NOWHERE).wait_until_alive()
    try:
        with Connection(function.port) as connection:
            connection.begin("POST", "/api/v1/events", {"X-API-Key": UNKNOWN_KEY}, b'{"event":"x"}')
            time.sleep(0.3)
            function.process.send_signal(signal.SIGTERM)
            assert connection.answer().status == 503
        assert function.process.wait(STOPS_WITHIN) == 0
    finally:
        function.end()

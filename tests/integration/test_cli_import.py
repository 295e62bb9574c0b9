"""`sluice import` and the other commands against a real HTTP server that behaves as ingest does, faults included."""

import contextlib
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from backports import zstd
from typer.testing import CliRunner, Result

from shared.cli.main import app

KEY = "slp_" + "k" * 43
PROJECT = uuid.UUID("11111111-2222-4333-8444-555555555555")
ROOT = Path(__file__).resolve().parents[2]
Event = dict[str, Any]
Fault = Callable[["Ingest", list[Event]], bool]


class Ingest:
    """A server that stores events by id; a fault may answer a request instead, and says whether it did."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.requests: list[int] = []
        self.bodies: list[int] = []
        self.queries: list[Event] = []
        self.faults: list[Fault] = []
        self.refuse: Callable[[Event], str] = lambda _: ""
        self.receipt_state = "stored"
        self.receipts_asked: list[str] = []
        self.lock = threading.Lock()
        self.handler: Any = None

    def answer(self, status: int, body: Any, **headers: str) -> bool:
        data = json.dumps(body).encode()
        self.handler.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(data)
        return True

    def problem(self, status: int, code: str, detail: str = "", **headers: str) -> bool:
        document = {"type": "x", "title": "T.", "status": status, "detail": detail, "code": code, "request_id": "r1"}
        return self.answer(status, document, **headers)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """One POST to /api/v1/events."""
        with self.lock:  # one at a time: faults are scripted in order
            self.handler = handler
            body = handler.rfile.read(int(handler.headers["Content-Length"]))
            events = json.loads(body)["events"]
            self.requests.append(len(events))
            self.bodies.append(len(body))
            if handler.headers["X-API-Key"] != KEY:
                self.problem(401, "key_unknown")
                return
            if self.faults and self.faults.pop(0)(self, events):
                return
            self._store(events, body)

    def _store(self, events: list[Event], body: bytes) -> None:
        rejected = []
        for index, event in enumerate(events):
            if reason := self.refuse(event):
                rejected.append({"index": index, "reason": reason, "detail": f"because of {index}"})
            else:
                self.stored[event["id"]] = body
        self.answer(
            202, {"accepted": len(events) - len(rejected), "rejected": rejected, "receipt": f"r{len(self.requests)}"}
        )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ingest: ClassVar[Ingest]

    def do_GET(self) -> None:
        self.ingest.handler = self
        if self.path.startswith("/api/v1/receipts/"):
            self.ingest.receipts_asked.append(self.path.rpartition("/")[2])
            self.ingest.answer(200, {"state": self.ingest.receipt_state})
            return
        self.ingest.answer(200, {"status": "alive"})

    def do_POST(self) -> None:
        if self.path == "/api/v1/events":
            self.ingest.take(self)
            return
        self.ingest.handler = self
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.ingest.queries.append(body)
        if body["measure"] == "nonsense":
            self.ingest.problem(422, "bad_measure", "known are count, users")
            return
        period = {"from": body["from"], "to": body["to"], "timezone": "UTC"}
        self.ingest.answer(200, {"value": 42, "exact": True, "took_ms": 1.5, "rows_read": 7, "range": period})

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that went away is part of the tests."""


@contextlib.contextmanager
def serving(ingest: Ingest, port: int = 0) -> Iterator[str]:
    handler = type("Bound", (Handler,), {"ingest": ingest})
    with Server(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()


@pytest.fixture
def url(ingest: Ingest) -> Iterator[str]:
    with serving(ingest) as address:
        yield address


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SLUICE_KEY", KEY)
    return tmp_path


def write_rows(path: Path, count: int, *, start: int = 0) -> Path:
    rows = (f'{{"time":{1_700_000_000 + n},"user":"u{n % 7}","n":{n}}}\n' for n in range(start, start + count))
    path.write_text("".join(rows))
    return path


def run(url: str, *arguments: str) -> tuple[Result, dict[str, Any]]:
    command = ["import", "--event", "seen", "--map", "timestamp=time,user_id=user", "--url", url, "--json"]
    result = CliRunner().invoke(app, [*command, *arguments])
    start = result.stdout.find("{")
    return result, json.loads(result.stdout[start:]) if start >= 0 else {}


def test_every_row_arrives_once_in_bounded_batches(ingest: Ingest, url: str, folder: Path) -> None:
    result, told = run(url, str(write_rows(folder / "rows", 2_500)), "--batch", "400")
    assert result.exit_code == 0, result.stderr
    assert (told["rows"], told["accepted"], told["refused"], told["lost"]) == (2_500, 2_500, 0, 0)
    assert len(ingest.stored) == 2_500
    assert sorted(ingest.requests) == [100] + [400] * 6


def test_importing_again_or_under_another_name_or_packed_changes_nothing(
    ingest: Ingest, url: str, folder: Path
) -> None:
    plain = write_rows(folder / "rows", 50)
    (folder / "copy.gz").write_bytes(gzip.compress(plain.read_bytes()))
    run(url, "rows")
    first = set(ingest.stored)
    _, told = run(url, "rows", "copy.gz", "--batch", "7")
    assert told["accepted"] == 100
    assert set(ingest.stored) == first
    run(url, str(write_rows(folder / "other", 50, start=50)))
    assert len(ingest.stored) == 100


def test_ids_are_the_same_whether_the_project_is_known_or_the_server_names_them(
    ingest: Ingest, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(folder / "rows", 2)
    run(url, "rows")
    named = set(ingest.stored)
    (folder / "data").mkdir(exist_ok=True)
    demo = {"url": url, "project_id": str(PROJECT), "write_key": KEY, "secret_key": "s"}
    (folder / "data" / "demo.json").write_text(json.dumps(demo))
    monkeypatch.delenv("SLUICE_KEY")
    run(url, "rows")
    assert {str(uuid.uuid5(PROJECT, text)) for text in named} == set(ingest.stored) - named


def test_a_body_stays_below_five_mebibytes(ingest: Ingest, url: str, folder: Path) -> None:
    row = json.dumps({"time": 1, "text": "x" * 60_000})
    (folder / "rows").write_text(f"{row}\n" * 200)
    result, told = run(url, "rows", "--batch", "10000")
    assert (result.exit_code, told["accepted"]) == (0, 200)
    assert max(ingest.bodies) <= 5 * 1024 * 1024
    assert len(ingest.requests) == 3


def test_faults_are_waited_out_with_the_same_request(ingest: Ingest, url: str, folder: Path) -> None:
    seen: list[list[str]] = []

    def drop(server: Ingest, events: list[Event]) -> bool:
        seen.append([event["id"] for event in events])
        server.handler.close_connection = True
        server.handler.connection.shutdown(socket.SHUT_RDWR)
        return True

    def drop_after_storing(server: Ingest, events: list[Event]) -> bool:
        server.stored.update({event["id"]: b"" for event in events})
        return drop(server, events)

    def unavailable(server: Ingest, events: list[Event]) -> bool:
        seen.append([event["id"] for event in events])
        return server.problem(503, "unavailable", Retry_After="0")

    def overloaded(server: Ingest, events: list[Event]) -> bool:
        return server.problem(429, "overloaded", Retry_After="0")

    ingest.faults = [drop, unavailable, overloaded, drop_after_storing]
    result, told = run(url, str(write_rows(folder / "rows", 10)), "--batch", "10")
    assert (result.exit_code, told["accepted"]) == (0, 10)
    assert len(ingest.requests) == 5
    assert seen[0] == seen[1] == seen[2]
    assert len(ingest.stored) == 10


def test_retry_after_is_honoured(ingest: Ingest, url: str, folder: Path) -> None:
    times: list[float] = []

    def unavailable(server: Ingest, _: list[Event]) -> bool:
        times.append(time.monotonic())
        return server.problem(503, "unavailable", Retry_After="1")

    def answered(_: Ingest, __: list[Event]) -> bool:
        times.append(time.monotonic())
        return False

    ingest.faults = [unavailable, answered]
    run(url, str(write_rows(folder / "rows", 1)))
    assert times[1] - times[0] >= 1.0


def test_a_server_that_stays_away_ends_the_import_with_what_is_lost(ingest: Ingest, url: str, folder: Path) -> None:
    ingest.faults = [lambda server, _: server.problem(503, "unavailable", "bus away")] * 100
    result, told = run(url, str(write_rows(folder / "rows", 5)), "--patience", "0.5")
    assert result.exit_code == 1
    assert (told["rows"], told["accepted"], told["lost"]) == (5, 0, 5)
    assert "bus away" in result.stderr
    assert "harmless" in result.stderr


def test_an_import_goes_on_after_the_server_was_restarted(ingest: Ingest, folder: Path) -> None:
    write_rows(folder / "rows", 60)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    outcome: list[tuple[Result, dict[str, Any]]] = []

    def stop_after_storing(server: Ingest, _: list[Event]) -> bool:
        server.handler.close_connection = True
        first_is_through.set()
        return False

    first_is_through = threading.Event()
    ingest.faults = [stop_after_storing]
    address = f"http://127.0.0.1:{port}"
    work = threading.Thread(target=lambda: outcome.append(run(address, "rows", "--batch", "10", "--concurrency", "1")))
    with serving(ingest, port):
        work.start()
        assert first_is_through.wait(20)
        ingest.faults = [lambda server, _: server.problem(503, "unavailable")] * 1_000
    ingest.faults = []
    with serving(ingest, port):
        work.join(30)
    result, told = outcome[0]
    assert (result.exit_code, told["accepted"], len(ingest.stored)) == (0, 60, 60), result.stderr


def test_refused_events_are_named_by_row_and_written_down(ingest: Ingest, url: str, folder: Path) -> None:
    ingest.refuse = lambda event: "bad_text" if event["properties"]["n"] % 10 == 3 else ""
    path = write_rows(folder / "rows", 30)
    path.write_text("not json\n\n" + path.read_text())
    result, told = run(url, "rows", "--batch", "8", "--rejects", "bad")
    assert result.exit_code == 1
    assert (told["rows"], told["accepted"], told["refused"]) == (31, 27, 4)
    assert told["reasons"] == {"malformed_json": 1, "bad_text": 3}
    written = [json.loads(line) for line in Path("bad").read_text().splitlines()]
    assert sorted(row["row"] for row in written) == [1, 6, 16, 26]
    third = next(row for row in written if row["row"] == 16)
    assert (third["reason"], json.loads(third["line"])["n"]) == ("bad_text", 13)


def test_one_event_that_spoils_its_request_is_found_and_the_others_are_stored(
    ingest: Ingest, url: str, folder: Path
) -> None:
    def spoilt(server: Ingest, events: list[Event]) -> bool:
        if any(event["properties"]["n"] == 21 for event in events):
            return server.problem(400, "malformed_json", "at byte 9")
        return False

    ingest.faults = [spoilt] * 100
    _, told = run(url, str(write_rows(folder / "rows", 40)), "--batch", "40")
    assert (told["accepted"], told["refused"], told["reasons"]) == (39, 1, {"malformed_json": 1})
    assert told["examples"]["malformed_json"][0]["row"] == 22


def test_a_request_refused_as_a_whole_with_its_reasons_is_not_sent_again(
    ingest: Ingest, url: str, folder: Path
) -> None:
    def all_refused(server: Ingest, events: list[Event]) -> bool:
        rejected = [{"index": n, "reason": "bad_id", "detail": ""} for n in range(len(events))]
        return server.answer(422, {"title": "T", "code": "bad_id", "rejected": rejected})

    ingest.faults = [all_refused] * 9
    _, told = run(url, str(write_rows(folder / "rows", 20)))
    assert (told["refused"], ingest.requests) == (20, [20])


def test_a_refused_key_ends_the_import_at_once_and_says_what_to_do(url: str, folder: Path, ingest: Ingest) -> None:
    result, told = run(url, str(write_rows(folder / "rows", 9)), "--key", "slp_wrong", "--batch", "3")
    assert (result.exit_code, told["accepted"], told["lost"]) == (1, 0, told["rows"])
    assert "key_unknown" in result.stderr
    assert "request r1" in result.stderr
    assert "--key" in result.stderr
    assert not ingest.stored


def test_an_answer_that_does_not_add_up_is_a_fault(ingest: Ingest, url: str, folder: Path) -> None:
    ingest.faults = [lambda server, _: server.answer(202, {"accepted": 1, "rejected": []})]
    result, _ = run(url, str(write_rows(folder / "rows", 2)))
    assert result.exit_code == 1
    assert "2 events were sent, 1 accepted" in result.stderr


def test_a_damaged_file_sends_nothing(ingest: Ingest, url: str, folder: Path) -> None:
    packed = gzip.compress(write_rows(folder / "rows", 5_000).read_bytes())
    (folder / "cut.gz").write_bytes(packed[:-100])
    result, _ = run(url, "cut.gz")
    assert (result.exit_code, ingest.requests) == (1, [])
    assert "gz" in result.stderr


def test_an_interrupted_import_says_how_far_it_got_and_completes_when_repeated(
    ingest: Ingest, url: str, folder: Path
) -> None:
    def slow(_: Ingest, __: list[Event]) -> bool:
        time.sleep(0.05)
        return False

    ingest.faults = [slow] * 400
    write_rows(folder / "rows", 2_000)
    arguments = ["import", "rows", "--event", "seen", "--map", "timestamp=time", "--url", url, "--batch", "10"]
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from shared.cli.main import app; app()",
    ]
    process = subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    deadline = time.monotonic() + 30
    while len(ingest.requests) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "harmless" in err
    assert "Traceback" not in err
    accepted = re.search(r"(\d+) accepted", out)
    assert accepted is not None
    assert 0 < int(accepted[1]) <= len(ingest.stored) < 2_000
    ingest.faults = []
    _, told = run(url, "rows")
    assert (told["accepted"], len(ingest.stored)) == (2_000, 2_000)


def away(server: Ingest, _: list[Event]) -> bool:
    return server.problem(503, "unavailable")


def break_off(ingest: Ingest, url: str, folder: Path, *arguments: str, after: int = 3) -> None:
    """An import of 100 rows in batches of ten that ends after so many batches."""
    ingest.faults = [lambda _, __: False] * after + [away] * 1_000
    options = ("--batch", "10", "--concurrency", "1", "--patience", "0", *arguments)
    result, told = run(url, str(write_rows(folder / "rows", 100)), *options)
    assert (result.exit_code, told["accepted"]) == (1, after * 10)
    ingest.faults, ingest.requests = [], []


def test_an_import_that_was_broken_off_goes_on_where_it_was(ingest: Ingest, url: str, folder: Path) -> None:
    break_off(ingest, url, folder)
    result, told = run(url, "rows", "--batch", "50")
    assert (result.exit_code, told["rows"], told["accepted"]) == (0, 100, 100)
    assert "Going on after the first 30 rows" in result.stderr
    assert (ingest.requests, ingest.receipts_asked, len(ingest.stored)) == ([50, 20], ["r3"], 100)
    assert not list((folder / "data").rglob("*.json"))
    run(url, "rows")
    assert sum(ingest.requests) == 170


def test_refused_rows_of_the_first_run_are_still_told_by_the_second(ingest: Ingest, url: str, folder: Path) -> None:
    ingest.refuse = lambda event: "bad_text" if event["properties"]["n"] % 20 == 3 else ""
    ingest.faults = [lambda _, __: False] * 3 + [away] * 1_000
    options = ("--rejects", "bad", "--concurrency", "1", "--patience", "0")
    run(url, str(write_rows(folder / "rows", 100)), "--batch", "10", *options)
    ingest.faults = []
    result, told = run(url, "rows", *options)
    assert result.exit_code == 1
    assert (told["rows"], told["accepted"], told["reasons"]) == (100, 95, {"bad_text": 5})
    assert [json.loads(line)["row"] for line in Path("bad").read_text().splitlines()] == [4, 24, 44, 64, 84]


@pytest.mark.parametrize("state", ["unknown", ""])
def test_a_server_that_does_not_have_the_first_rows_gets_all(
    ingest: Ingest, url: str, folder: Path, state: str
) -> None:
    break_off(ingest, url, folder)
    ingest.receipt_state = state
    ingest.stored.clear()
    _, told = run(url, "rows")
    assert (told["accepted"], len(ingest.stored)) == (100, 100)


@pytest.mark.parametrize("arguments", [("--restart",), ("--map", "session_id=n"), ("--key", "slp_other")])
def test_another_mapping_or_key_or_a_restart_begins_at_the_first_row(
    ingest: Ingest, url: str, folder: Path, arguments: tuple[str, ...]
) -> None:
    break_off(ingest, url, folder)
    _, told = run(url, "rows", *arguments)
    assert told["rows"] == 100
    assert (sum(ingest.requests), ingest.receipts_asked) == (100, [])


def test_a_file_that_changed_begins_at_the_first_row(ingest: Ingest, url: str, folder: Path) -> None:
    break_off(ingest, url, folder)
    run(url, str(write_rows(folder / "rows", 101)))
    assert sum(ingest.requests) == 101


def test_a_dry_run_checks_as_ingest_does_and_sends_nothing(ingest: Ingest, url: str, folder: Path) -> None:
    path = write_rows(folder / "rows", 2_000)
    path.write_text("not json\n" + '{"time":"yesterday","n":7}\n' + path.read_text())
    result, told = run(url, "rows", "--dry-run")
    assert result.exit_code == 1
    assert (told["rows"], told["accepted"], told["dry_run"]) == (1_000, 998, True)
    assert told["reasons"] == {"malformed_json": 1, "bad_timestamp": 1}
    assert told["examples"]["bad_timestamp"][0]["row"] == 2
    assert run(url, "rows", "--dry-run", "--rows", "0")[1]["rows"] == 2_002
    assert ingest.requests == []


def test_a_dry_run_shows_the_first_events_and_a_table_of_refusals(folder: Path) -> None:
    (folder / "x.csv").write_text("when,what,who\n2026-01-31,seen,ann\nnever,seen,bob\n,seen,eve\n")
    select = 'what AS event, who AS user_id, "when" AS timestamp'
    result = CliRunner().invoke(app, ["import", "x.csv", "--dry-run", "--select", select])
    assert result.exit_code == 1
    first, *_ = result.stdout.splitlines()
    assert {**json.loads(first), "id": ""} == {
        "id": "",
        "event": "seen",
        "user_id": "ann",
        "timestamp": "2026-01-31",
        "properties": {},
    }
    table = result.stdout[result.stdout.index("what is wrong") :].splitlines()
    assert [line.split()[:3] for line in table[1:] if "bad_timestamp" in line] == [
        ["2", "3", "bad_timestamp:"],
        ["4", "bad_timestamp:", "no"],
    ]
    assert any("never" in line for line in table)


def test_refused_rows_are_readable_in_eighty_columns_whatever_they_are_called_or_say(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    deep = folder / ("d" * 60)
    deep.mkdir()
    names = [str(deep / "bad.csv"), str(deep / "worse.csv")]
    for name in names:
        Path(name).write_text(f"what,when\n{'[/red]' * 20},never\x1b[2J\n")
    arguments = ["--dry-run", "--map", "event=what,timestamp=when"]
    table = [CliRunner().invoke(app, ["import", *files, *arguments]).stdout for files in (names[:1], names)]
    assert all(len(line) <= 80 for line in table[0].splitlines())
    assert "bad.csv" not in table[0]
    assert "2  bad_timestamp: " in table[0]
    assert "[/red][/red]" in table[0]
    assert "/worse.csv" in table[1]
    assert all(len(line) <= 80 for line in table[1].splitlines())
    assert "\x1b" not in table[0]


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--select", "time, n"]], ids=["plain", "dry", "selected"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_a_mapped_column_that_a_table_does_not_have_stops_the_import(
    ingest: Ingest, url: str, folder: Path, name: str, options: list[str]
) -> None:
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute(f"COPY (SELECT 1700000000 AS time, 7 AS n) TO '{folder / name}'")
    arguments = ["--event", "e", "--map", "timestamp=time,user_id=nope", "--url", url, *options]
    result = CliRunner().invoke(app, ["import", name, *arguments])
    assert (result.exit_code, ingest.requests) == (2, [])
    assert "--map: there is no column 'nope' for user_id; the columns are time, n." in result.stderr


@pytest.mark.parametrize("name", ["rows.ndjson", "rows.json", "rows.txt"])
def test_a_mapped_field_that_no_row_had_is_a_warning(ingest: Ingest, url: str, folder: Path, name: str) -> None:
    row = '{"time":1700000000}'
    (folder / name).write_text(f"[{row}]" if name == "rows.json" else f"{row}\n")
    kind = ("--format", "lines", "--map", "timestamp='2026-01-31'") if name == "rows.txt" else ()
    result, told = run(url, name, "--map", "user_id=who.id,id=key", *kind)
    assert (result.exit_code, told["accepted"]) == (0, 1)
    assert told["unmapped"] == {"id": "key", "user_id": "who.id"}
    assert "no row that was read has a value at 'who.id'" in result.stderr
    arguments = ["--event", "e", "--map", "timestamp=time,user_id=nope", "--url", url, *kind]
    shown = CliRunner().invoke(app, ["import", name, *arguments])
    assert "1 mapped and in no row: user_id=nope" in shown.stdout


def test_a_mapped_field_of_one_row_is_enough_also_before_an_interruption(
    ingest: Ingest, url: str, folder: Path
) -> None:
    rows = write_rows(folder / "rows", 100).read_text().replace('"n":3}', '"n":3,"rare":"r"}')
    rows_and_one = rows.replace('"user":', '"person":')
    (folder / "rows").write_text(rows_and_one)
    ingest.faults = [lambda _, __: False] * 2 + [away] * 1_000
    options = ("--map", "session_id=rare,user_id=person", "--batch", "10", "--concurrency", "1", "--patience", "0")
    _, told = run(url, "rows", *options)
    assert (told["accepted"], told["unmapped"]) == (20, {})
    ingest.faults = []
    result, told = run(url, "rows", *options)
    assert "Going on after the first 20 rows" in result.stderr
    assert (told["accepted"], told["unmapped"]) == (100, {})


def test_a_column_of_epoch_numbers_is_a_timestamp(ingest: Ingest, url: str, folder: Path) -> None:
    (folder / "x.csv").write_text("time,user\n1640995200,u\n1640995200.5,u\n1640995200123,u\n1640995200123456,u\n")
    result, told = run(url, "x.csv", "--dry-run")
    assert (result.exit_code, told["accepted"], told["refused"]) == (0, 4, 0), told["examples"]
    assert run(url, "x.csv")[1]["accepted"] == 4
    assert [event["timestamp"] for event in events_in(ingest)][:2] == ["1640995200", "1640995200.5"]


SHOP = """InvoiceNo,Quantity,UnitPrice,Date,Who
536365,6,2.55,2010-12-01 08:26:00,17850
C536366,-1,3.39,2010-12-01 08:28:00,
"""
SELECT = (
    "CASE WHEN InvoiceNo LIKE 'C%' THEN 'cancel' ELSE 'purchase' END AS event, "
    "Quantity::INT * UnitPrice::DECIMAL(9, 2) AS revenue, Who AS user_id, Date AS timestamp, InvoiceNo"
)


def events_in(ingest: Ingest) -> list[Event]:
    bodies = {id(body): body for body in ingest.stored.values()}
    return [event for body in bodies.values() for event in json.loads(body)["events"]]


def select_rows(url: str, *files: str) -> Result:
    return CliRunner().invoke(app, ["import", *files, "--url", url, "--select", SELECT])


def test_a_csv_is_imported_with_a_select_list(ingest: Ingest, url: str, folder: Path) -> None:
    (folder / "shop.csv").write_text(SHOP)
    result = select_rows(url, "shop.csv")
    assert result.exit_code == 0, result.output
    bought, cancelled = events_in(ingest)
    assert (bought["event"], bought["user_id"], bought["timestamp"]) == ("purchase", "17850", "2010-12-01 08:26:00")
    assert bought["properties"] == {"revenue": 15.3, "InvoiceNo": "536365"}
    assert (cancelled["event"], "user_id" in cancelled) == ("cancel", False)
    assert cancelled["properties"] == {"revenue": -3.39, "InvoiceNo": "C536366"}
    assert bought["id"].endswith(":2")


def test_the_same_content_packed_changes_nothing(ingest: Ingest, url: str, folder: Path) -> None:
    (folder / "shop.csv").write_text(SHOP)
    (folder / "shop.csv.gz").write_bytes(gzip.compress(SHOP.encode()))
    (folder / "shop.csv.zst").write_bytes(zstd.compress(SHOP.encode()))
    assert select_rows(url, "shop.csv", "shop.csv.gz", "shop.csv.zst").exit_code == 0
    assert len(ingest.stored) == 2


def test_parquet_is_imported_in_order_with_its_types(ingest: Ingest, url: str, folder: Path) -> None:
    import duckdb

    path = folder / "rows [2026*].parquet"  # what a pattern would find is not this file
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "COPY (SELECT n, 'e' AS event, TIMESTAMP '2026-01-31 12:00:00' AS timestamp, n % 2 = 0 AS even,"
            " CASE WHEN n > 1 THEN n * 1.10::DECIMAL(9, 2) END AS price, {'a': [n]} AS nested, 'x'::BLOB AS raw"
            f" FROM range(5000) AS t(n)) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)"
        )
    result = CliRunner().invoke(app, ["import", str(path), "--url", url])
    assert result.exit_code == 0, result.output
    events = events_in(ingest)
    assert len(ingest.stored) == len(events) == 5_000
    assert all(event["id"].endswith(f":{event['properties']['n'] + 1}") for event in events)
    third = next(event for event in events if event["properties"]["n"] == 3)
    assert third["timestamp"] == "2026-01-31T12:00:00.000000Z"
    assert third["properties"] == {"n": 3, "even": False, "price": 3.3, "nested": {"a": [3]}, "raw": "eA=="}
    assert "price" not in next(event for event in events if event["properties"]["n"] == 0)["properties"]
    again = CliRunner().invoke(
        app, ["import", str(path), "--url", url, "--select", "event, timestamp, n, price * 2 AS p"]
    )
    assert again.exit_code == 0, again.output
    assert len(ingest.stored) == 5_000


def test_a_damaged_parquet_file_is_a_sentence(ingest: Ingest, url: str, folder: Path) -> None:
    (folder / "x.parquet").write_bytes(b"PAR1 and nothing else")
    result = CliRunner().invoke(app, ["import", "x.parquet", "--url", url])
    assert (result.exit_code, ingest.requests) == (1, [])
    assert "cannot be read as Parquet" in result.stderr


def test_a_json_list_is_imported(ingest: Ingest, url: str, folder: Path) -> None:
    rows = [json.loads(line) for line in write_rows(folder / "rows", 30).read_text().splitlines()]
    (folder / "rows.json").write_text(json.dumps(rows, indent=2))
    assert run(url, "rows.json")[1]["accepted"] == 30
    assert sorted(event["properties"]["n"] for event in events_in(ingest)) == list(range(30))


def test_bad_lines_of_a_csv_are_told_and_the_others_arrive(ingest: Ingest, url: str, folder: Path) -> None:
    (folder / "x.csv").write_bytes(b"time,user,n\n1,u,1\n2,u\n3,u,3,4\n\xff,u,4\n5,u,5\n")
    result, told = run(url, "x.csv", "--rejects", "bad")
    assert (result.exit_code, told["accepted"], len(ingest.stored)) == (1, 2, 2)
    assert told["reasons"] == {"wrong_shape": 2, "bad_text": 1}
    assert [json.loads(line)["row"] for line in Path("bad").read_text().splitlines()] == [3, 4, 5]


def test_a_preset_reads_another_products_export(ingest: Ingest, url: str) -> None:
    sample = ROOT / "tests" / "samples" / "import" / "nginx.log"
    result = CliRunner().invoke(app, ["import", str(sample), "--from", "nginx", "--url", url])
    assert result.exit_code == 0, result.output
    assert {event["event"] for event in events_in(ingest)} == {"http_request"}
    assert len(ingest.stored) == 4


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--select", "sum(n) AS event"], "sum needs more than one row"),
        (["--select", "nosuch AS event"], "the columns are time"),
        (["--select", "when AS timestamp"], "needs quotes"),
        (["--select", "n", "--from", "nginx"], "one of --from and --select"),
        (["--encoding", "klingon"], "klingon"),
        (["--timezone", "Mars/Olympus"], "Mars/Olympus"),
        (["--delimiter", "ab"], "one character"),
        (["--from", "matomo"], "matomo"),
        (["--format", "xls"], "xls"),
    ],
)
def test_an_option_that_cannot_be_meant_is_said_and_nothing_sent(
    ingest: Ingest, url: str, folder: Path, arguments: list[str], told: str
) -> None:
    write_rows(folder / "rows", 3)
    result = CliRunner().invoke(app, ["import", "rows", "--url", url, *arguments])
    assert (result.exit_code, ingest.requests) == (2, [])
    assert told in result.stderr


def test_standard_input_is_imported(ingest: Ingest, url: str) -> None:
    text = '{"event":"e","timestamp":1}\n{"event":"e","timestamp":1}\n'
    result = CliRunner().invoke(app, ["import", "-", "--url", url], input=text)
    assert result.exit_code == 0, result.stderr
    assert len(ingest.stored) == 2


@pytest.mark.parametrize("options", [[], ["--select", "*, 'e' AS event"]], ids=["plain", "selected"])
@pytest.mark.parametrize("suffix", ["ndjson", "csv"])
def test_memory_stays_flat_however_long_the_file(url: str, folder: Path, suffix: str, options: list[str]) -> None:
    arguments = ["--event", "e", "--map", "timestamp=time", "--url", url, *options]
    code = f"""
import resource, sys
sys.path.insert(0, {str(ROOT)!r})
from typer.testing import CliRunner
from shared.cli.main import app
for name in ("small", "large"):
    result = CliRunner().invoke(app, ["import", name + ".{suffix}", *{arguments!r}])
    assert result.exit_code == 0, result.stderr
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    for name, rows in (("small", 10_000), ("large", 100_000)):
        write_rows(folder / name, rows)
        if suffix == "csv":
            as_csv = [",".join(map(str, json.loads(row).values())) for row in (folder / name).read_text().splitlines()]
            (folder / name).write_text("\n".join(["time,user,n", *as_csv]))
        (folder / name).rename(folder / f"{name}.{suffix}")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    small, large = map(int, done.stdout.split())
    assert large - small < 12_000  # KiB; the rows as objects are far more


def test_a_count_is_asked_and_shown(ingest: Ingest, url: str) -> None:
    arguments = ["query", "count", "--url", url, "--from", "2015-09-12", "--to", "2015-09-13"]
    shown = CliRunner().invoke(app, [*arguments, "--event", "edit", "--filter", "properties.n>5", "--measure", "users"])
    assert shown.stdout.splitlines()[0] == "42"
    assert "exact · 1.5 ms · 7 rows read" in shown.stdout
    assert ingest.queries == [
        {
            "from": "2015-09-12",
            "to": "2015-09-13",
            "events": ["edit"],
            "filters": [{"property": "properties.n", "op": "gt", "value": 5}],
            "measure": "users",
            "timezone": "UTC",
        }
    ]
    told = CliRunner().invoke(app, [*arguments, "--json"])
    assert json.loads(told.stdout)["value"] == 42


def test_a_refused_query_shows_title_detail_code_and_request(url: str) -> None:
    result = CliRunner().invoke(app, ["query", "count", "--url", url, "--measure", "nonsense"])
    assert result.exit_code == 1
    assert result.stderr.strip() == "422: T. known are count, users (bad_measure, request r1)"


@pytest.mark.parametrize("command", [["query", "count"], ["import", "rows"]])
def test_a_server_that_is_not_there_is_said_at_once(folder: Path, command: list[str]) -> None:
    write_rows(folder / "rows", 1)
    result = CliRunner().invoke(app, [*command, "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 3
    assert "sluice up" in result.stderr


def test_doctor_without_a_server_says_so_and_fails() -> None:
    result = CliRunner().invoke(app, ["doctor", "--json", "--url", "http://127.0.0.1:1"])
    assert result.exit_code == 1
    found = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert found["Python"]["well"]
    assert not found["server"]["well"]
    assert "sluice up" in found["server"]["advice"]

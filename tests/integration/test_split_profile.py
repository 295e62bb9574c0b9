"""A function in a process of its own: started by its first request, stopped when idle, started again after a crash."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.local import control
from shared.local.activator import runners
from shared.local.host import Host
from shared.local.ports import FUNCTIONS
from shared.wiring import Scale, Wiring, load_wiring
from tests.infra.starting import NOWHERE

RECEIPT = "/api/v1/receipts/unknown"
LONG = 60.0


class Split:
    """The functions of a small table behind their host."""

    def __init__(self, data: Path, idle: float, scale: Scale | None = None) -> None:
        row = load_wiring().find("receipts")
        changed = {} if scale is None else {"scale": scale}
        wiring = Wiring([type(row)(**{name: getattr(row, name) for name in row.__struct_fields__} | changed)])
        self.data = data
        self.runner = runners(wiring, data, idle)["receipts"]
        self._host = Host(wiring, "work", services={"receipts": self.runner})

    async def ask(self, path: str = RECEIPT) -> tuple[int, dict[str, Any]]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            if sent:
                await asyncio.sleep(LONG)
            return {"type": "http.request", "body": b""}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
        }
        await self._host(scope, receive, send)
        body = sent[1]["body"]
        return sent[0]["status"], json.loads(body) if body.startswith(b"{") else {}

    def written(self) -> dict[str, Any]:
        """What `status` reads."""
        found: dict[str, Any] = json.loads((self.data / FUNCTIONS).read_text())["receipts"]
        return found


@asynccontextmanager
async def split(data: Path, idle: float = LONG, scale: Scale | None = None) -> AsyncIterator[Split]:
    made = Split(data, idle, scale)
    await made.runner.open()
    try:
        yield made
    finally:
        await made.runner.close()


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)


async def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


async def test_the_first_requests_start_one_process_and_all_get_its_answers(tmp_path: Path) -> None:
    async with split(tmp_path) as one:
        assert (one.runner.pid, one.written()["pid"]) == (0, 0)
        answers = await asyncio.gather(*(one.ask() for _ in range(5)))
        assert [(status, body["code"]) for status, body in answers] == [(401, "key_missing")] * 5
        assert (one.runner.starts, one.written()["pid"]) == (1, one.runner.pid)
        assert one.written()["start_ms"] > 0
        process = psutil.Process(one.runner.pid)
        assert process.cmdline()[-2:] == ["shared.function", "receipts"]
    assert not process.is_running()


async def test_it_is_stopped_when_idle_and_status_shows_zeros_until_it_is_asked_again(tmp_path: Path) -> None:
    state = {"env": {"SLUICE_PROFILE": "split"}}
    async with split(tmp_path, idle=0.2) as one:
        await one.ask()
        [shown] = control.functions_of(state, tmp_path)
        assert (shown.name, shown.processes, shown.memory > 1_000_000) == ("receipts", 1, True)
        process = psutil.Process(one.runner.pid)
        await until(lambda: not process.is_running(), "it ends once nobody asks it")
        [shown] = control.functions_of(state, tmp_path)
        assert (shown.processes, shown.memory, shown.starts) == (0, 0, 1)
        assert (await one.ask())[0] == 401
        assert one.runner.starts == 2
    assert control.functions_of({"env": {"SLUICE_PROFILE": "together"}}, tmp_path) == []


async def test_asking_whether_it_is_alive_or_what_it_counted_does_not_start_it(tmp_path: Path) -> None:
    async with split(tmp_path) as one:
        for path in ("/receipts/healthz", "/receipts/readyz", "/receipts/metrics", "/readyz"):
            assert (await one.ask(path))[0] == 200
        assert one.runner.starts == 0
        await one.ask()
        assert (await one.ask("/receipts/healthz"))[1] == {"status": "alive"}


async def test_after_a_crash_the_next_request_starts_another(tmp_path: Path) -> None:
    async with split(tmp_path) as one:
        await one.ask()
        os.kill(killed := one.runner.pid, signal.SIGKILL)
        await until(lambda: one.runner.pid == 0, "its end is noticed")
        assert one.written()["pid"] == 0
        assert (await one.ask())[0] == 401
        assert one.runner.pid not in {0, killed}


async def test_a_start_that_fails_is_a_503_that_names_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLUICE_CATALOG_URL")
    async with split(tmp_path) as one:
        for _ in range(2):  # the second does not even try: a start that has just failed would fail again
            status, body = await one.ask()
            assert (status, body["code"]) == (503, "unavailable")
            assert "logs/receipts.log" in body["detail"]
    assert (tmp_path / "logs" / "receipts.log").read_text().count("SLUICE_CATALOG_URL is required") == 1


async def test_what_is_never_to_be_scaled_to_zero_is_there_at_once_and_again_after_a_crash(tmp_path: Path) -> None:
    async with split(tmp_path, idle=0.1, scale=Scale(1, 1)) as one:
        await one.ask()
        os.kill(killed := one.runner.pid, signal.SIGKILL)
        await until(lambda: one.runner.pid not in {0, killed}, "it is started again without a request")
        assert one.runner.starts == 2

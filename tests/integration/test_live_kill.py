"""The work process is killed with SIGKILL while events flow; every live window still counts each event once."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from shared.bus import Bus, Message, open_bus
from shared.cache import Cache, open_cache
from shared.events import ACCEPTED, EVENTS_TOPIC, Row, encode_line, record
from shared.ids import uuid7
from shared.local.delivery import RetryPolicy
from shared.wiring import Topic, Wiring
from tests.integration.door_process import free_port
from tests.integration.sources_harness import Work, eventually, function, settled, sources
from tests.integration.test_functions_start import NOWHERE
from tests.valkey_server import ValkeyServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
KILLS = 4
RECORDS = 400


class WorkProcess:
    """`shared.local.host work` as the runtime starts it, with a real bus and cache and nothing else."""

    def __init__(self, valkey: ValkeyServer, log: Path) -> None:
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        engines = {**NOWHERE, "SLUICE_BUS_URL": valkey.url, "SLUICE_CACHE_URL": valkey.url}
        self._env = {**inherited, **engines, "SLUICE_WORK_PORT": str(self.port)}
        self._log = log
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-m", "shared.local.host", "work"]
        with self._log.open("ab") as output:
            return subprocess.Popen(argv, cwd=ROOT, env=self._env, stdout=output, stderr=output)

    async def answers(self) -> bool:
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://127.0.0.1:{self.port}/healthz")).status_code == 200
        except httpx.HTTPError:
            assert self.process.poll() is None, self._log.read_text()
            return False

    async def kill_and_start(self) -> None:
        self.end()
        self.process = self._start()
        await eventually(self.answers, 30)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture
async def bus(valkey: ValkeyServer) -> AsyncIterator[Bus]:
    opened = open_bus(valkey.url)
    yield opened
    await opened.close()


@pytest.fixture
async def cache(valkey: ValkeyServer) -> AsyncIterator[Cache]:
    opened = open_cache(valkey.url)
    yield opened
    await opened.close()


def batch(project: str, minute: int, names: list[str]) -> Message:
    start = time.strftime("%Y-%m-%d %H:%M", time.gmtime(minute * 60))
    lines = [encode_line(Row(name, str(uuid7()), f"{start}:00.000000", f"{start}:30.000000")) for name in names]
    return record(project_id=project, batch_id=uuid7(), lines=lines, micros=minute * 60_000_000)


async def test_no_event_is_lost_or_counted_twice_in_any_window(
    valkey: ValkeyServer, bus: Bus, cache: Cache, tmp_path: Path
) -> None:
    now = int(time.time()) // 60
    projects = [str(uuid7()) for _ in range(3)]
    minutes = range(now - 5, now + 1)
    for project in projects:  # as if they had been watched for a while
        await cache.count(project, "first", {now - 10: {"x": 1}}, now - 10)
    expected: Counter[tuple[str, int, str]] = Counter()
    process = WorkProcess(valkey, tmp_path / "work.log")
    work = Work(process.port)  # only its address: the real process answers there
    wiring = Wiring([function("live", topics=[Topic(EVENTS_TOPIC, [ACCEPTED])])])
    try:
        await eventually(process.answers, 30)
        async with sources(valkey.url, wiring, work, RetryPolicy(backoff=0.05, longest=0.2, timeout=10)):
            for number in range(RECORDS):
                project, minute = random.choice(projects), random.choice(minutes)
                names = [f"e{random.randrange(5)}" for _ in range(random.randrange(1, 20))]
                expected.update((project, minute, name) for name in names)
                message = batch(project, minute, names)
                await bus.publish(EVENTS_TOPIC, [message, message] if number % 10 == 0 else [message])
                if number % (RECORDS // KILLS) == RECORDS // KILLS // 2:
                    await process.kill_and_start()
                await asyncio.sleep(0.002)
            await settled(bus, "live", EVENTS_TOPIC)
    finally:
        process.end()
    found: Counter[tuple[str, int, str]] = Counter()
    for project in projects:
        windows = await cache.windows(project, minutes[0], minutes[-1], now)
        for minute, window in zip(minutes, windows, strict=True):
            assert window is not None
            found.update({(project, minute, name): count for name, count in window.counts.items()})
    assert found == expected

"""Timers on the real catalog: each window once and in order, whatever becomes of ticks, workers and clocks."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.catalog.client import Catalog
from shared.clock import FixedClock, to_micros
from shared.refusals import UnavailableError
from shared.timers import MOST_ATTEMPTS, BulkWork, Timers, Window, Work
from shared.timers.schedule import parse_schedule
from tests.integration.exporting import make_project

START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
KILLS = 6
HOURLY = parse_schedule("0 * * * *")


class Ticking:
    """Timers on a clock of the test's own, and what they did."""

    def __init__(self, catalog: Catalog, name: str, **options: Any) -> None:
        self.clock = FixedClock(to_micros(START))
        self.timers = Timers(catalog, name, self.clock, **options)
        self.done: list[str] = []

    async def work(self, window: Window) -> None:
        self.done.append(f"{window.item} {window.end:%d %H:%M}")

    async def tick(self, **later: float) -> list[str]:
        self.clock.advance(timedelta(**later).total_seconds())
        self.done.clear()
        await self.timers.run(self.work)
        return list(self.done)


def together(work: Work) -> BulkWork:
    """The work of one window as that of many."""

    async def worked(windows: list[Window]) -> dict[str, Exception]:
        found = await asyncio.gather(*map(work, windows), return_exceptions=True)
        faults = zip(windows, found, strict=True)
        return {window.item: fault for window, fault in faults if isinstance(fault, Exception)}

    return worked


@pytest.fixture(params=["one by one", "many at once"])
def ticking(catalog_url: str, request: pytest.FixtureRequest) -> Any:
    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[Ticking]:
        catalog = Catalog(catalog_url)
        name = "t" + "".join(chr(97 + int(digit, 16)) for digit in uuid.uuid4().hex[:20])
        at = Ticking(catalog, name, **options)
        if request.param == "many at once":
            at.timers.run = lambda work, **more: at.timers.run_many(together(work), **more)  # type: ignore[method-assign]  # the same contract
        yield at
        await catalog.close()

    return opened


async def test_a_window_is_done_once_it_is_over_and_only_once(ticking: Any) -> None:
    async with ticking() as at:
        await at.timers.put("a", HOURLY)
        assert await at.tick(minutes=59, seconds=29) == []
        assert await at.tick(seconds=1) == ["a 01 13:00"]
        assert await at.tick(seconds=1) == []
        assert await at.tick(hours=1) == ["a 01 14:00"]


async def test_windows_that_were_missed_are_made_up_for_in_order_the_last_of_them(ticking: Any) -> None:
    async with ticking(catch_up=3) as at:
        await at.timers.put("a", HOURLY)
        assert await at.tick(hours=2) == ["a 01 13:00", "a 01 14:00"]
        seen: list[Window] = []

        async def look(window: Window) -> None:
            seen.append(window)

        at.clock.advance(86_400)
        await at.timers.run(look)
        assert [f"{window.end:%d %H:%M}" for window in seen] == ["02 12:00", "02 13:00", "02 14:00"]
        assert [window.after_gap for window in seen] == [True, False, False]
        assert all(window.end - window.start == timedelta(hours=1) for window in seen)
        assert seen[0].key == f"{at.timers.name}:a:2026-03-02T12:00Z"


async def test_the_windows_of_an_item_do_not_depend_on_when_it_was_asked(ticking: Any) -> None:
    async with ticking() as at:
        await at.timers.put("a", HOURLY)
        await at.timers.put("b", HOURLY, since=START - timedelta(hours=2))
        assert await at.tick() == ["b 01 11:00", "b 01 12:00"]
        assert sorted(await at.tick(hours=1)) == ["a 01 13:00", "b 01 13:00"]


async def test_another_schedule_counts_from_then_on_and_the_same_changes_nothing(ticking: Any) -> None:
    async with ticking() as at:
        await at.timers.put("a", HOURLY)
        at.clock.advance(3_600)
        await at.timers.put("a", HOURLY)
        assert await at.tick() == ["a 01 13:00"]
        at.clock.advance(3_600)
        await at.timers.put("a", parse_schedule("*/30 * * * *"))
        assert await at.tick() == []
        assert await at.tick(minutes=30) == ["a 01 14:30"]


async def test_a_removed_timer_is_never_due_again_also_when_its_own_work_removes_it(ticking: Any) -> None:
    async with ticking() as at:
        await at.timers.put("a", HOURLY)
        await at.timers.put("b", HOURLY)
        await at.timers.remove("a")
        await at.timers.remove("never there")

        async def once(window: Window) -> None:
            at.done.append(window.item)
            await at.timers.remove(window.item)

        at.clock.advance(3 * 3_600)
        await at.timers.run(once)
        assert at.done == ["b"]
        assert await at.tick(hours=3) == []


async def test_the_timers_of_a_project_end_with_it(ticking: Any, catalog_url: str) -> None:
    project = uuid.uuid4()
    make_project(catalog_url, project)
    async with ticking() as at:
        await at.timers.put("a", HOURLY, project_id=project)
        with psycopg.connect(catalog_url) as connection:
            connection.execute("DELETE FROM projects WHERE id = %s", [project])
        assert await at.tick(hours=1) == []


async def test_an_outage_leaves_the_window_to_a_later_tick_and_nobody_else_waits(ticking: Any) -> None:
    async with ticking() as at:
        for item in "abc":
            await at.timers.put(item, HOURLY)

        async def away(window: Window) -> None:
            if window.item == "b":
                raise UnavailableError("away")
            await at.work(window)

        at.clock.advance(3_600)
        for _ in range(3 * MOST_ATTEMPTS):
            with pytest.raises(UnavailableError):
                await at.timers.run(away)
            at.clock.advance(60)
        assert sorted(at.done) == ["a 01 13:00", "c 01 13:00"]
        assert await at.tick() == ["b 01 13:00"]


async def test_a_window_that_always_ends_in_a_fault_is_left_out_at_last(ticking: Any) -> None:
    async with ticking() as at:
        await at.timers.put("a", HOURLY)
        tried: list[str] = []

        async def bug(window: Window) -> None:
            tried.append(f"{window.end:%H:%M}")
            if window.end.hour == 13:
                raise RuntimeError("a bug")

        for _ in range(MOST_ATTEMPTS - 1):
            at.clock.advance(3_600)
            with pytest.raises(RuntimeError):
                await at.timers.run(bug)
        at.clock.advance(3_600)
        await at.timers.run(bug)
        assert tried == ["13:00"] * MOST_ATTEMPTS + ["14:00", "15:00", "16:00", "17:00"]


async def test_items_due_at_once_are_spread_always_alike(ticking: Any) -> None:
    async with ticking(jitter_seconds=600, at_once=100) as at:
        items = [str(number) for number in range(40)]
        for item in items:
            await at.timers.put(item, HOURLY)
        at.clock.advance(3_570)
        by_minute = [len(await at.tick(minutes=1)) for _ in range(10)]
        assert sum(by_minute) == len(items)
        assert max(by_minute) < len(items) / 2
        first = await at.tick(minutes=51)
        assert len(first) == by_minute[0]


async def test_a_timer_noted_with_less_spread_waits_for_its_moment(ticking: Any) -> None:
    async with ticking() as at:
        for number in range(8):
            await at.timers.put(str(number), HOURLY)
        spread = Timers(at.timers._catalog, at.timers.name, at.clock, jitter_seconds=1_000)
        at.clock.advance(3_570)
        assert await spread.run(at.work) == 0
        at.clock.advance(1_000)
        assert await spread.run(at.work) == 8


async def test_two_schedulers_share_the_items_and_do_none_twice(ticking: Any) -> None:
    async with ticking(at_once=3) as at:
        for number in range(20):
            await at.timers.put(str(number), HOURLY)
        other = Timers(at.timers._catalog, at.timers.name, at.clock, at_once=3)
        by: dict[str, list[str]] = {"one": [], "two": []}

        async def slow(who: str, window: Window) -> None:
            await asyncio.sleep(0.02)
            by[who].append(window.key)

        at.clock.advance(2 * 3_600)
        await asyncio.gather(
            at.timers.run(lambda window: slow("one", window)), other.run(lambda window: slow("two", window))
        )
        assert len(set(by["one"] + by["two"])) == len(by["one"] + by["two"]) == 40
        assert by["one"]
        assert by["two"]


async def test_work_that_lasts_longer_than_a_lease_stays_ours(ticking: Any) -> None:
    async with ticking(lease_seconds=0.4) as at:
        await at.timers.put("a", HOURLY)
        at.clock.advance(3_600)

        async def slow(window: Window) -> None:
            await asyncio.sleep(1.2)
            await at.work(window)

        running = asyncio.create_task(at.timers.run(slow))
        await asyncio.sleep(0.9)
        assert await at.timers.run(at.work) == 0
        assert await running == 1
        assert at.done == ["a 01 13:00"]


WORKER = """
import asyncio, sys, uuid
from datetime import UTC, datetime
import psycopg
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.refusals import UnavailableError
from shared.timers import Timers, Window

url, name = sys.argv[1:]

async def work(window: Window) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await asyncio.sleep(0.01)
        await connection.execute("INSERT INTO effects_tried VALUES (%s, now())", [window.key])
        await connection.execute("INSERT INTO effects VALUES (%s, now()) ON CONFLICT DO NOTHING", [window.key])
        await asyncio.sleep(0.01)

async def main() -> None:
    timers = Timers(Catalog(url), name, SYSTEM_CLOCK, catch_up=1_000, lease_seconds=0.5, at_once=2)
    while True:
        try:
            await timers.run(work, seconds=0.2)
        except UnavailableError:
            pass
        await asyncio.sleep(0.02)

asyncio.run(main())
"""


@pytest.mark.timeout(300)
async def test_each_window_is_done_exactly_once_by_two_schedulers_that_are_killed_again_and_again(
    catalog_url: str, tmp_path: Path
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    name = "killed"
    with psycopg.connect(catalog_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE effects (key text PRIMARY KEY, at timestamptz)")
        connection.execute("CREATE TABLE effects_tried (key text, at timestamptz)")
        catalog = Catalog(catalog_url)
        timers = Timers(catalog, name, FixedClock(to_micros(START)))
        since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=60)
        for item in ("a", "b", "c"):
            await timers.put(item, parse_schedule("* * * * *"), since=since)
        expected = {
            f"{name}:{item}:{since + timedelta(minutes=n):%Y-%m-%dT%H:%MZ}" for item in "abc" for n in range(1, 61)
        }
        workers = [_start(script, catalog_url, name) for _ in range(2)]
        try:
            _kill_until(expected, workers, lambda: _start(script, catalog_url, name), connection)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        rows = connection.execute("SELECT key FROM effects ORDER BY at").fetchall()
        for item in "abc":
            ends = [key for (key,) in rows if f":{item}:" in key]
            assert ends == sorted(ends), "in order"
        assert expected <= {key for (key,) in rows}
        [[tried]] = connection.execute("SELECT count(*) FROM effects_tried").fetchall()
        assert len(rows) <= tried <= len(rows) + 40, "a window is tried again only around a kill"
        await catalog.close()
        connection.execute("DROP TABLE effects; DROP TABLE effects_tried")


def _start(script: Path, url: str, name: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen([sys.executable, str(script), url, name], env=environment)


def _kill_until(expected: set[str], workers: list[Any], start: Any, connection: Any) -> None:
    """Let the windows be done; each time some more are, one of the workers dies and is replaced."""
    deadline, kills, seen = time.monotonic() + 150, 0, 0
    while time.monotonic() < deadline:
        time.sleep(0.1)
        done = {key for (key,) in connection.execute("SELECT key FROM effects").fetchall()}
        if expected <= done and kills >= KILLS:
            return
        if kills < KILLS and len(done) >= seen + 20:
            workers[kills % 2].send_signal(signal.SIGKILL)
            workers[kills % 2].wait()
            workers[kills % 2] = start()
            kills, seen = kills + 1, len(done)
    pytest.fail(f"not all windows were done, after {kills} kills")

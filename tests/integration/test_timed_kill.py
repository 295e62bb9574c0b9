"""Two schedulers that are killed again and again: every alert and every report of three hours is told once.

"Once" is by key: a crash between telling and noting it repeats the same event, whose readers know its id.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.clock import to_micros
from tests.integration.reading import NOW, Stored, batch, row, stored
from tests.integration.timed import MINUTE, timed

ROOT = Path(__file__).resolve().parents[2]
SPEED = 360
MINUTES = 180
KILLS = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("timed-kill")) as found:
        yield found


class Schedulers:
    """Two processes; one of them dies now and then, and is replaced."""

    def __init__(self, *arguments: str) -> None:
        self._argv = [sys.executable, "-m", "tests.integration.timed_worker", *arguments]
        self._running = [self._start() for _ in range(2)]

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._argv, cwd=ROOT, stdout=subprocess.DEVNULL)

    def kill(self, which: int) -> None:
        self._running[which].kill()
        self._running[which].wait()
        self._running[which] = self._start()

    def end(self) -> None:
        for one in self._running:
            one.kill()
            one.wait()


async def test_every_step_and_every_report_is_told_once_whoever_dies(engine: Stored, catalog_url: str) -> None:
    async with timed(engine, catalog_url) as here:
        # Ten minutes without an event, ten one each: with a window of a minute that is what fires and resolves.
        busy = [minute for minute in range(MINUTES) if minute // 10 % 2]
        rows = [row("e", -(minute + 0.5) * MINUTE) for minute in busy]
        await asyncio.to_thread(engine.put, batch(here.project, *rows))
        for _ in range(3):
            await here.rule(window="1m", condition={"type": "threshold", "op": "gte", "value": 1})
        report = await here.report(schedule="cron", cron="0 * * * *")
        found = await _run_and_kill(engine, catalog_url)
        kept = await here.reports.runs(report.id, None, 100)
    end = NOW + MINUTES * MINUTE
    steps = [data for kind, data in found if "alert" in kind and data["at"] <= end.isoformat()]
    expected = [f"{NOW + minute * MINUTE:%H:%M}" for minute in range(11, MINUTES, 20)] * 3
    assert sorted(step["at"][11:16] for step in steps if step["state"] == "firing") == sorted(expected)
    expected = [f"{NOW + minute * MINUTE:%H:%M}" for minute in range(21, MINUTES, 20)] * 3
    assert sorted(step["at"][11:16] for step in steps if step["state"] == "resolved") == sorted(expected)
    mails = [data for kind, data in found if "notification" in kind]
    told = [mail for mail in mails if mail["template"] != "report_daily" and mail["values"]["at"] <= end.isoformat()]
    assert len(told) == len(steps)
    hours = {f"report:{run.id}": run.due_at for run in kept if run.due_at <= end}
    assert sorted(hours.values()) == [NOW + hour * 60 * MINUTE for hour in range(1, MINUTES // 60 + 1)]
    reports = [mail["key"] for mail in mails if mail["template"] == "report_daily" and mail["key"] in hours]
    assert sorted(reports) == sorted(hours)


async def _run_and_kill(engine: Stored, catalog_url: str) -> list[tuple[str, Any]]:
    """Let three hours pass in half a minute; the types and data of what was published, each id once."""
    connection = psycopg.connect(catalog_url, autocommit=True)
    connection.execute("DROP TABLE IF EXISTS published")
    connection.execute("CREATE TABLE published (id text, type text, data text)")
    began = time.time_ns() // 1_000
    arguments = [catalog_url, engine.warehouse._url.geturl(), str(to_micros(NOW)), str(SPEED), str(began)]
    schedulers = Schedulers(*arguments)
    try:
        for number in range(KILLS):
            await asyncio.sleep(MINUTES * 60 / SPEED / (KILLS + 1))
            await asyncio.to_thread(schedulers.kill, number % 2)
        await asyncio.to_thread(_until_done, connection, NOW + MINUTES * MINUTE)
    finally:
        schedulers.end()
    rows = set(connection.execute("SELECT id, type, data FROM published").fetchall())
    connection.execute("DROP TABLE published")
    connection.close()
    assert len(rows) == len({one for one, _, _ in rows}), "a repeat says the same"
    return [(kind, json.loads(data)) for _, kind, data in rows]


def _until_done(connection: "psycopg.Connection[Any]", end: datetime) -> None:
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        [[behind]] = connection.execute("SELECT count(*) FROM timers WHERE watermark < %s", [end]).fetchall()
        [[untold]] = connection.execute("SELECT count(*) FROM alert_changes WHERE NOT announced").fetchall()
        if not behind and not untold:
            return
        time.sleep(0.1)
    pytest.fail("the schedulers did not come to the end")

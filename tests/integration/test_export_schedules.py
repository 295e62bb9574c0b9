"""Scheduled exports: each window exactly once, whoever runs the schedules and dies over it."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import psycopg
import pytest

from functions.export.asked import ExportJob
from functions.export.schedules import Kept, ScheduleRequest, Schedules
from shared.catalog.client import Catalog
from shared.clock import FixedClock, to_micros
from shared.jobs import Job
from shared.objects import ObjectsRefusedError
from shared.objects.folder import FolderObjects
from shared.refusals import Rejected
from tests.integration.exporting import Exports, exports, make_project
from tests.integration.reading import NOW, Stored, batch, row, stored

HOUR = timedelta(hours=1)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with stored(tmp_path_factory.mktemp("schedules")) as found:
        yield found


class Scheduled:
    """The schedules of a project, by a clock that says NOW, and its exports."""

    def __init__(self, made: Exports, catalog: Catalog) -> None:
        self.exports = made
        self.clock = FixedClock(to_micros(NOW))
        self.catalog = catalog
        self.schedules = Schedules(catalog, made.jobs, self.clock)

    async def create(self, **asked: Any) -> Kept:
        async with self.catalog.transaction() as transaction:
            schedules = self.schedules.within(transaction)
            return await schedules.create(self.exports.project, ScheduleRequest(name="s", **asked))

    async def windows(self) -> list[tuple[str, str, str]]:
        """What the jobs are for, the oldest first: folder, begin, end."""
        return [(job.folder, job.start, job.end) for _, job in await self.jobs()]

    async def jobs(self) -> list[tuple[Job, ExportJob]]:
        page = await self.exports.jobs.page(self.exports.project, "", None, 1_000)
        return [(job, msgspec.json.decode(job.request, type=ExportJob)) for job in page][::-1]


@contextlib.asynccontextmanager
async def scheduled(engine: Stored, catalog_url: str, folder: Path, **more: Any) -> AsyncIterator[Scheduled]:
    catalog = Catalog(catalog_url)
    async with exports(engine, catalog_url, folder, **more) as made:
        yield Scheduled(made, catalog)
    await catalog.close()


async def test_each_closed_hour_becomes_one_export_in_its_own_folder(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    rows = [row("e", timedelta(minutes=10 * n), {"n": n}) for n in range(1, 60)]
    await asyncio.to_thread(engine.put, batch(project, *rows))
    async with scheduled(engine, catalog_url, tmp_path, project=project) as made:
        kept = await made.create(every="hourly", start="2026-03-31T08:00:00Z", delay_minutes=15)
        assert await made.schedules.run() == 3  # the hour up to 12:00 may still get late events
        made.clock.advance(14 * 60 + 59)
        assert await made.schedules.run() == 0
        made.clock.advance(1)
        assert await made.schedules.run() == 1
        await made.exports.deliver()
        base = f"projects/{project}/schedules/{kept.id}"
        hours = [f"{base}/dt=2026-03-31/hour={hour:02}/" for hour in (8, 9, 10, 11)]
        assert [folder for folder, _, _ in await made.windows()] == hours
        assert [told["rows"] for told in made.exports.told] == [6, 6, 6, 6]
        assert {told["schedule_id"] for told in made.exports.told} == {str(kept.id)}
    names = {path.name for path in (tmp_path / base).rglob("*") if path.is_file()}
    assert names == {"part-00000.parquet", "_manifest.json"}
    # Days and hours are columns for whoever reads the folder.
    sql = f"SELECT hour::int, count(*) FROM read_parquet('{tmp_path / base}/**/*.parquet', hive_partitioning=true)"
    with duckdb.connect() as connection:
        found = connection.execute(f"{sql} GROUP BY 1 ORDER BY 1").fetchall()
    assert found == [(8, 6), (9, 6), (10, 6), (11, 6)]


async def test_days_are_those_of_the_timezone(engine: Stored, catalog_url: str, tmp_path: Path) -> None:
    async with scheduled(engine, catalog_url, tmp_path) as made:
        await made.create(every="daily", timezone="Europe/Berlin", start="2026-03-28", delay_minutes=0)
        assert await made.schedules.run() == 3
        windows = [(folder[-14:], start, end) for folder, start, end in await made.windows()]
        assert windows == [
            ("dt=2026-03-28/", "2026-03-27T23:00:00+00:00", "2026-03-28T23:00:00+00:00"),
            ("dt=2026-03-29/", "2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"),
            ("dt=2026-03-30/", "2026-03-29T22:00:00+00:00", "2026-03-30T22:00:00+00:00"),
        ]


async def test_a_cron_line_and_no_begin_start_with_the_window_under_way(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    async with scheduled(engine, catalog_url, tmp_path) as made:
        kept = await made.create(cron="30 */6 * * *", delay_minutes=0)
        assert (kept.next_start, kept.next_end) == (NOW - HOUR * 5.5, NOW + HOUR * 0.5)
        made.clock.advance(1_800)
        assert await made.schedules.run() == 1
        [(folder, _, _)] = await made.windows()
        assert folder.endswith("dt=2026-03-31/hour=06/minute=30/")


async def test_a_schedule_that_was_off_for_long_catches_up_a_day_at_a_time(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    async with scheduled(engine, catalog_url, tmp_path) as made:
        await made.create(every="hourly", delay_minutes=0)
        made.clock.advance(30 * 3_600)
        assert [await made.schedules.run() for _ in range(3)] == [24, 6, 0]
        starts = [start for _, start, _ in await made.windows()]
        assert starts == [(NOW + HOUR * n).isoformat() for n in range(30)]


async def test_a_change_counts_from_the_next_window_and_an_ended_one_makes_no_more(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    async with scheduled(engine, catalog_url, tmp_path) as made:
        kept = await made.create(every="hourly", delay_minutes=0)
        made.clock.advance(3_600)
        await made.schedules.run()
        changed = await made.schedules.change(
            kept, ScheduleRequest(name="t", every="hourly", delay_minutes=0, events=["e"], format="csv")
        )
        assert changed.next_start == NOW + HOUR
        made.clock.advance(3_600)
        await made.schedules.run()
        assert [(one.format, one.events) for _, one in await made.jobs()] == [("parquet", []), ("csv", ["e"])]
        for other in ({"every": "daily"}, {"every": "hourly", "timezone": "Asia/Tokyo"}, {"cron": "0 1 * * *"}):
            with pytest.raises(Rejected, match="conflict"):
                await made.schedules.change(changed, ScheduleRequest(name="t", **other))  # type: ignore[arg-type]  # given by name
        await made.schedules.change(changed, ScheduleRequest(name="t", every="hourly", enabled=False))
        made.clock.advance(7_200)
        assert await made.schedules.run() == 0
        await made.schedules.remove(changed)
        with pytest.raises(Rejected, match="not_found"):
            await made.schedules.find(str(kept.id), made.exports.project)


BAD: dict[str, dict[str, Any]] = {
    "neither": {},
    "both": {"every": "daily", "cron": "0 0 * * *"},
    "no cron": {"cron": "every day"},
    "never": {"cron": "0 0 31 2 *"},
    "too often": {"cron": "* * * * *"},
    "no zone": {"every": "daily", "timezone": "Mars/North"},
    "no column": {"every": "daily", "columns": ["nope"]},
    "snappy": {"every": "daily", "format": "csv", "compression": "snappy"},
    "long ago": {"every": "daily", "start": "2020-01-01"},
    "no time": {"every": "daily", "start": "yesterday"},
    "in a year": {"every": "daily", "start": "2027-01-01"},
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_schedule_that_cannot_work_is_refused(
    engine: Stored, catalog_url: str, tmp_path: Path, bad: str
) -> None:
    async with scheduled(engine, catalog_url, tmp_path) as made:
        with pytest.raises(Rejected) as caught:
            await made.create(**BAD[bad])
        assert caught.value.detail


class ShutFor(FolderObjects):
    """A simulation: the bucket lets nobody in for the first `times` writes."""

    times = 3

    def writer(self, key: str, *, content_type: str = "") -> Any:
        if self.times:
            self.times -= 1
            raise ObjectsRefusedError("no permission on the bucket lake")
        return super().writer(key, content_type=content_type)


async def test_a_window_whose_bucket_lets_nobody_in_waits_until_it_does(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    objects = ShutFor(tmp_path)
    async with scheduled(engine, catalog_url, tmp_path, objects=objects) as made:
        await made.create(every="hourly", delay_minutes=0)
        made.clock.advance(3_600)
        await made.schedules.run()
        for _ in range(3):
            await made.exports.deliver()
            [(job, _)] = await made.jobs()
            assert (job.state, job.error_code) == ("running", "unavailable")
            assert "no permission" in (job.error_detail or "")
        await made.exports.deliver()
        [(job, _)] = await made.jobs()
        assert (job.state, job.error_code) == ("completed", None)


def test_two_schedulers_that_are_killed_give_each_window_one_export(catalog_url: str) -> None:
    """Kill -9 of two processes that run the same schedules, again and again: no window twice, none left out."""
    project = uuid.uuid4()
    make_project(catalog_url, project)
    begun = datetime.now(UTC) - timedelta(days=20)

    async def create() -> Kept:
        catalog = Catalog(catalog_url)
        schedules = Schedules(catalog, None, FixedClock(to_micros(datetime.now(UTC))))  # type: ignore[arg-type]  # no job is made
        asked = ScheduleRequest(name="s", every="hourly", start=begun.isoformat(), delay_minutes=0)
        async with catalog.transaction() as transaction:
            kept = await schedules.within(transaction).create(project, asked)
        await catalog.close()
        return kept

    kept = asyncio.run(create())
    argv = [sys.executable, "-m", "tests.integration.schedule_worker", catalog_url]
    for number in range(5):
        pair = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(2)]
        for worker in pair:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"begins\n"
        time.sleep(0.03 + 0.05 * number)
        for worker in pair:
            worker.kill()
            worker.communicate()
    some = len(starts(catalog_url, project))
    subprocess.run([*argv, "to the end"], cwd=ROOT, check=True, timeout=60, stdout=subprocess.DEVNULL)
    found = starts(catalog_url, project)
    expected = [kept.next_start + HOUR * n for n in range(len(found))]
    assert found == expected
    assert some < len(found)
    assert datetime.now(UTC) - found[-1] < HOUR * 2


def starts(catalog_url: str, project: uuid.UUID) -> list[datetime]:
    with psycopg.connect(catalog_url) as connection:
        sql = "SELECT request FROM jobs WHERE project_id = %s"
        found = [json.loads(text)["from"] for (text,) in connection.execute(sql, [project]).fetchall()]
    return sorted(map(datetime.fromisoformat, found))

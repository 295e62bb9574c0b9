"""Retention on the real engines: what is due goes, exactly that, and nothing on a clock that cannot be right."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from functions.retention_enforce import logic
from functions.retention_enforce.logic import Limits, Retention, Run
from functions.retention_enforce.plan import Plan, keep, plan_of
from shared.catalog.client import Catalog
from shared.clock import FixedClock, to_datetime, to_micros
from shared.refusals import Rejected
from shared.warehouse.deletion import DeletionUnfinishedError
from tests.integration.exporting import make_project
from tests.integration.reading import NOW, Stored, batch, row, stored

DAY = timedelta(days=1)
OLD = "2025-12-01 00:00:00.000000"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("retention")) as found:
        yield found


class Kept:
    """The retention of one project, by a clock that says NOW."""

    def __init__(self, engine: Stored, catalog: Catalog, project: uuid.UUID, limits: Limits) -> None:
        self.project = project
        self.catalog = catalog
        self.clock = FixedClock(to_micros(NOW))
        self.retention = Retention(engine.warehouse, catalog, self.clock, limits)

    async def enforce(self, days: int, *, catalog_now: datetime | None = None) -> Run | None:
        now = catalog_now or to_datetime(self.clock.micros())
        return await self.retention.enforce(self.project, Plan(days), now)


@contextlib.asynccontextmanager
async def kept(
    engine: Stored, catalog_url: str, project: uuid.UUID, partitions: int = 100, *, dry_run: bool = False
) -> AsyncIterator[Kept]:
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    yield Kept(engine, catalog, project, Limits(partitions, dry_run))
    await catalog.close()


def days_ago(engine: Stored, project: uuid.UUID, final: str = "FINAL") -> list[int]:
    sql = f"SELECT timestamp FROM events {final} WHERE project_id = {{p:UUID}} ORDER BY timestamp DESC"
    found = engine.run(engine.warehouse.query(sql, {"p": str(project)})).rows
    return [(NOW - at.replace(tzinfo=UTC)).days for (at,) in found]


def version(engine: Stored, project: uuid.UUID) -> int:
    sql = "SELECT sum(changes) FROM hour_changes WHERE project_id = {p:UUID}"
    return int(engine.run(engine.warehouse.query(sql, {"p": str(project)})).value)


def some(engine: Stored, project: uuid.UUID, ages: Any, received: str = OLD) -> None:
    """Events so many days old, and one of today, as from a project that is in use."""
    engine.put(batch(project, row("e", event_id=str(uuid.UUID(int=1)))))
    engine.put(batch(project, *[row("e", DAY * age, {"n": age}, received_at=received) for age in ages]))


def test_what_is_due_goes_and_all_else_stays(engine: Stored, catalog_url: str) -> None:
    project, other = uuid.uuid4(), uuid.uuid4()
    for one in (project, other):
        some(engine, one, range(0, 100, 5))
        some(engine, one, range(0, 100, 5))
    some(engine, project, [90], received="2026-03-30 00:00:00.000000")  # an import of an old day
    rejected = {"project_id": str(project), "reason": "x", "detail": "", "raw": "{}"}
    for at in (OLD, "2026-03-30 00:00:00.000000"):
        row_of = {**rejected, "batch_id": str(uuid.uuid4()), "position": 0, "received_at": at}
        engine.insert("rejected_events", [row_of])
    before = version(engine, project)

    async def go() -> Run | None:
        async with kept(engine, catalog_url, project) as made:
            due = await made.retention.due(project, Plan(30))
            assert (due.events, due.rows, due.hours, due.rejected) == (26, 26, 13, 1)
            assert len(await asyncio.to_thread(days_ago, engine, project)) == 42
            run = await made.enforce(30)
            assert await made.enforce(30) is None
            return run

    run = asyncio.run(go())
    assert run is not None
    assert (run.state, run.events, run.rejected, run.hour_count, run.left_rows) == ("completed", 26, 1, 13, 0)
    left = [age for age in range(0, 35, 5) for _ in range(2)]
    assert days_ago(engine, project) == [0, *left, 90]
    assert len(days_ago(engine, other)) == 41
    assert version(engine, project) == before + 13
    sql = "SELECT count() FROM rejected_events WHERE project_id = {p:UUID}"
    assert engine.run(engine.warehouse.query(sql, {"p": str(project)})).value == 1


def test_an_event_received_again_lately_stays_with_its_newest_repeat(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    event_id = str(uuid.uuid4())
    for received, value in ((OLD, 1), ("2026-03-30 00:00:00.000000", 2)):
        again = row("e", DAY * 60, {"n": value}, received_at=received, event_id=event_id)
        engine.put(batch(project, again))

    async def go() -> None:
        async with kept(engine, catalog_url, project) as made:
            await made.enforce(30)

    asyncio.run(go())
    sql = "SELECT properties_raw FROM events FINAL WHERE project_id = {p:UUID}"
    assert engine.run(engine.warehouse.query(sql, {"p": str(project)})).rows == [('{"n": 2}',)]


def test_a_part_of_one_project_is_dropped_whole(engine: Stored, catalog_url: str) -> None:
    project, other = uuid.uuid4(), uuid.uuid4()
    some(engine, project, [60] * 50)
    some(engine, other, [60])

    async def go() -> Run | None:
        async with kept(engine, catalog_url, project) as made:
            return await made.enforce(30)

    run = asyncio.run(go())
    assert run is not None
    assert (run.events, run.dropped_parts) == (50, 1)
    assert days_ago(engine, project) == [0]
    assert days_ago(engine, other) == [0, 60]


def test_a_run_takes_a_few_partitions_and_the_next_goes_on(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    some(engine, project, range(40, 100, 7))

    async def go() -> list[int]:
        async with kept(engine, catalog_url, project, partitions=4) as made:
            found = []
            while run := await made.enforce(30):
                found.append(run.events)
            return found

    assert asyncio.run(go()) == [4, 4, 1]
    assert days_ago(engine, project) == [0]


def test_a_dry_run_notes_once_a_day_and_drops_nothing(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    some(engine, project, [60, 61])

    async def go() -> list[Run]:
        async with kept(engine, catalog_url, project, dry_run=True) as made:
            for _ in range(3):
                assert await made.enforce(30) is None
            return await made.retention.runs(project, 10)

    [run] = asyncio.run(go())
    assert (run.state, run.events, run.hour_count) == ("dry_run", 2, 2)
    assert len(days_ago(engine, project)) == 3


def test_a_clock_that_jumped_drops_nothing_until_it_has_said_so_for_a_day(engine: Stored, catalog_url: str) -> None:
    project = uuid.uuid4()
    some(engine, project, [60])

    async def go() -> None:
        async with kept(engine, catalog_url, project) as made:
            assert await made.enforce(30, catalog_now=NOW - DAY) is None
            [run] = await made.retention.runs(project, 10)
            assert (run.state, "catalog" in run.detail) == ("held", True)
            made.clock.advance(400 * 86_400)
            assert await made.enforce(30) is None
            made.clock.advance(12 * 3_600)
            assert await made.enforce(30) is None
            runs = await made.retention.runs(project, 10)
            assert [run.state for run in runs] == ["held", "held"]
            assert "jumped" in runs[0].detail
            assert await asyncio.to_thread(days_ago, engine, project) == [0, 60]
            made.clock.advance(12 * 3_600)
            done = await made.enforce(30)
            assert done is not None
            assert done.events == 2  # by then today's is old too

    asyncio.run(go())


def test_a_run_that_broke_off_has_its_hours_told_by_the_next(
    engine: Stored, catalog_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulation: the process ends after the rows are gone, before the ledger knows."""
    project = uuid.uuid4()
    some(engine, project, [60, 61])
    before = version(engine, project)

    async def breaks(*_: object) -> None:
        raise DeletionUnfinishedError("on purpose")

    async def go() -> None:
        async with kept(engine, catalog_url, project) as made:
            with monkeypatch.context() as patched:
                patched.setattr(logic, "note_hours", breaks)
                with pytest.raises(DeletionUnfinishedError):
                    await made.enforce(30)
            assert await asyncio.to_thread(version, engine, project) == before
            assert await made.enforce(30) is None
            [run] = await made.retention.runs(project, 10)
            assert (run.state, run.left_rows) == ("completed", 0)

    asyncio.run(go())
    assert version(engine, project) == before + 2


def test_days_that_are_none_are_refused(engine: Stored, catalog_url: str) -> None:
    async def go() -> None:
        project = uuid.uuid4()
        async with kept(engine, catalog_url, project) as made:
            assert await plan_of(made.catalog, project) == Plan(365, 30, [])
            assert await keep(made.catalog, project, Plan(30)) == Plan(30, None, [])
            assert await keep(made.catalog, project, Plan()) == Plan(None, None, [])
            with pytest.raises(Rejected, match="1970"):
                await made.enforce(30_000)
            with pytest.raises(Rejected, match="not there"):
                await plan_of(made.catalog, uuid.uuid4())

    asyncio.run(go())
    with psycopg.connect(catalog_url) as connection:
        assert connection.execute("SELECT count(*) FROM retention_runs").fetchone() == (0,)

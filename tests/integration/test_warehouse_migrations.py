"""Migrations of the warehouse on the real engine: forwards, backwards, and again after a crash at any statement."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from shared.refusals import UnavailableError
from shared.warehouse.client import Warehouse, WarehouseError
from shared.warehouse.migrate import Step, current_version, migrate, statements, steps
from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

NEWEST = len(steps())
Work = Callable[[Warehouse], Awaitable[None]]


class Interrupted(Warehouse):
    """Ends like a killed process after some statements."""

    def __init__(self, url: str, after: int) -> None:
        super().__init__(url)
        self._left = after

    async def command(self, sql: str) -> None:
        if self._left == 0:
            raise UnavailableError("killed")
        self._left -= 1
        await super().command(sql)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    with warehouse_process(tmp_path_factory.mktemp("migrations")) as process:
        yield process


@pytest.fixture
def url(process: WarehouseProcess) -> Iterator[str]:
    """A database of the test's own."""
    process.text("CREATE DATABASE IF NOT EXISTS fresh")
    yield process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/fresh"
    process.text("DROP DATABASE fresh")


def run(url: str, work: Work) -> None:
    async def running() -> None:
        warehouse = Warehouse(url)
        try:
            await work(warehouse)
        finally:
            await warehouse.close()

    asyncio.run(running())


async def schema(warehouse: Warehouse) -> dict[str, str]:
    """The statement that made each table."""
    answer = await warehouse.query(
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
        " AND name != 'schema_migrations' ORDER BY name"
    )
    return dict(answer.rows)


def test_migrations_go_up_down_and_up_again(url: str) -> None:
    async def work(warehouse: Warehouse) -> None:
        assert await current_version(warehouse) == 0
        assert await migrate(warehouse) == NEWEST
        first = await schema(warehouse)
        assert {"events", "batches", "hour_changes", "rejected_events"} <= set(first)
        assert await migrate(warehouse, 0) == 0
        assert (await schema(warehouse), await current_version(warehouse)) == ({}, 0)
        assert await migrate(warehouse) == NEWEST
        assert await schema(warehouse) == first
        assert await current_version(warehouse) == NEWEST

    run(url, work)


def test_a_migrated_warehouse_is_left_as_it_is(url: str) -> None:
    async def work(warehouse: Warehouse) -> None:
        await migrate(warehouse)
        before = await schema(warehouse)
        await warehouse.insert_json_lines("hour_changes", b'{"hour":"2026-01-01 00:00:00","changes":1}\n')
        assert await migrate(warehouse) == NEWEST
        assert await schema(warehouse) == before
        assert (await warehouse.query("SELECT sum(changes) FROM hour_changes")).value == 1

    run(url, work)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_migration_may_be_killed_after_any_statement_and_run_again(url: str) -> None:
    async def work(warehouse: Warehouse) -> None:
        await migrate(warehouse)
        whole = await schema(warehouse)
        ups = sum(len(step.up) + 1 for step in steps()) + 1
        downs = sum(len(step.down) + 1 for step in steps()) + 1
        for target, count, expected in ((0, downs, {}), (NEWEST, ups, whole)):
            for after in range(count):
                await migrate(warehouse, NEWEST - target)
                interrupted = Interrupted(url, after)
                with pytest.raises(UnavailableError):
                    await migrate(interrupted, target)
                await interrupted.close()
                assert await migrate(warehouse, target) == target
                assert await schema(warehouse) == expected
                assert await current_version(warehouse) == target

    run(url, work)


def test_a_fault_of_a_migration_is_not_swallowed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Step(
        1, "broken", ["CREATE TABLE t (n UInt8) ENGINE = MergeTree ORDER BY n", "CREATE TABLE t2 (n Nonsense)"], []
    )
    monkeypatch.setattr("shared.warehouse.migrate.steps", lambda: [broken])

    async def work(warehouse: Warehouse) -> None:
        with pytest.raises(WarehouseError):
            await migrate(warehouse)
        assert await current_version(warehouse) == 0

    run(url, work)


def test_every_step_has_a_number_without_gaps_and_a_way_back() -> None:
    assert [step.version for step in steps()] == list(range(1, NEWEST + 1))
    assert all(step.up and step.down for step in steps())


@pytest.mark.parametrize(
    "names",
    [
        ["0002_second.up.sql", "0002_second.down.sql"],
        ["0001_a.up.sql", "0001_a.down.sql", "0003_c.up.sql", "0003_c.down.sql"],
        ["0001_a.up.sql"],
        ["0001_a.up.sql", "0001_b.down.sql"],
        ["0001_a.up.sql", "0001_a.down.sql", "0001_b.up.sql", "0001_b.down.sql"],
    ],
)
def test_a_gap_or_a_missing_way_back_is_refused(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(ValueError, match="gapless"):
        steps(tmp_path)


def test_a_file_is_split_into_statements_without_its_comments() -> None:
    text = "-- first; really\nCREATE TABLE a (s String DEFAULT ';');\n\n-- second\nSELECT\n    -- inside\n    1;\n;\n"
    text += "SELECT 2"
    assert statements(text) == ["CREATE TABLE a (s String DEFAULT ';')", "SELECT\n    1", "SELECT 2"]

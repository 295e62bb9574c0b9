"""The demo shop on a whole instance: filled, the same again, gone with everything it had, and back."""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.demo.shop import first_day, shop_events, today_in_shop
from shared.warehouse.client import Warehouse, WarehouseUnavailableError
from shared.warehouse.removal import RemovalUnfinishedError, delete_rows
from tests.e2e.running import Project, Running

pytestmark = pytest.mark.slow

SECONDS = 60
TABLES = ("events", "batches", "rejected_events", "rollup_hours", "rollup_counts", "hour_changes")
WEEKS = 60
MONTHS = 14
FEW = 3
# Rows of one project in every week and month of more than a year, as merges may not have touched them yet: each
# insert leaves a part in every partition. Repeats are among the events, of another age each.
FILLINGS = (
    f"""INSERT INTO events (project_id, event, timestamp, event_id, received_at)
    SELECT '{{project}}', 'visit', toDateTime64('2024-01-01 12:00:00', 6, 'UTC') + toIntervalWeek(number % {WEEKS}),
        toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(number), 12, '0'))), now64(6)
    FROM numbers({WEEKS * FEW}) SETTINGS max_partitions_per_insert_block = 0""",
    f"""INSERT INTO batches (project_id, batch_id, partition, position, rows, rejected, received_at, stored_at)
    SELECT '{{project}}', generateUUIDv4(), 0, number, 1, 0,
        toDateTime64('2024-01-01 12:00:00', 6, 'UTC') + toIntervalWeek(number), now64(6)
    FROM numbers({WEEKS}) SETTINGS max_partitions_per_insert_block = 0""",
    f"""INSERT INTO rejected_events (project_id, batch_id, position, received_at, reason)
    SELECT '{{project}}', generateUUIDv4(), 0,
        toDateTime64('2024-01-01 12:00:00', 6, 'UTC') + toIntervalWeek(number), 'invalid'
    FROM numbers({WEEKS}) SETTINGS max_partitions_per_insert_block = 0""",
    f"""INSERT INTO hour_changes (project_id, hour, changes)
    SELECT '{{project}}', toDateTime('2024-01-01 12:00:00', 'UTC') + toIntervalWeek(number), 1
    FROM numbers({WEEKS})""",
    f"""INSERT INTO rollup_counts (project_id, hour, generation, event, n)
    SELECT '{{project}}', toDateTime('2024-01-01 12:00:00', 'UTC') + toIntervalWeek(number), 1, 'visit', 1
    FROM numbers({WEEKS})""",
    f"""INSERT INTO rollup_hours (project_id, hour, generation, version, rows)
    SELECT '{{project}}', toDateTime('2024-01-01 12:00:00', 'UTC') + toIntervalWeek(number), 1, 1, 1
    FROM numbers({WEEKS})""",
)


class Slow(Warehouse):
    """Deletes, and at first answers too late, as a client that gave up waiting sees it."""

    def __init__(self, url: str, late: int = 5) -> None:
        super().__init__(url)
        self._late = late

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        await super().command(sql, parameters)
        self._late -= 1
        if self._late >= 0:
            raise WarehouseUnavailableError("no answer in time")


class Deaf(Warehouse):
    """Answers questions and deletes nothing; notes what was asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[str] = []

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        assert parameters
        self.asked.append(sql)


def with_warehouse(warehouse: Warehouse, work: Callable[[Warehouse], Awaitable[None]]) -> None:
    async def run() -> None:
        try:
            await work(warehouse)
        finally:
            await warehouse.close()

    asyncio.run(run())


@pytest.fixture
def url(instance: Running) -> str:
    return instance.env["SLUICE_WAREHOUSE_URL"]


def many_partitions(url: str, fillings: Sequence[str] = FILLINGS, *, times: int = 1) -> Project:
    """A project with rows in many partitions of every table, that the catalog knows nothing of."""
    project = Project(str(uuid.uuid4()), "", "")

    async def fill(warehouse: Warehouse) -> None:
        for _ in range(times):
            for filling in fillings:
                await warehouse.command(filling.format(project=project.id))

    with_warehouse(Warehouse(url), fill)
    return project


def remove(warehouse: Warehouse, project: Project, seconds: float = SECONDS) -> list[str]:
    """What deleting the project's rows says of its progress."""
    said: list[str] = []
    with_warehouse(warehouse, lambda it: delete_rows(it, uuid.UUID(project.id), said.append, seconds=seconds))
    return said


def events_seen(instance: Running, project: Project) -> int:
    """Its events as queries see them, each once."""
    return int(instance.warehouse(f"SELECT count() FROM events FINAL WHERE {project.rows}")[0][0])


def shop_of(instance: Running) -> Project:
    known = json.loads((instance.data / "demo-shop.json").read_text())
    return Project(known["project_id"], known["write_key"], known["secret_key"])


def filled(instance: Running) -> str:
    """What `demo` says once it has worked."""
    done = instance.cli("demo", timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(instance: Running, shop: Project, **query: object) -> float:
    span = {
        "from": str(first_day(today_in_shop(datetime.now(tz=UTC)))),
        "to": "2100-01-01",
        "timezone": "Europe/Berlin",
    }
    found: float = instance.count(shop, **{**span, **query})
    return found


def rows_left(instance: Running, shop: Project) -> dict[str, int]:
    """Stored rows of the project by table, repeats too."""
    return {name: int(instance.warehouse(f"SELECT count() FROM {name} WHERE {shop.rows}")[0][0]) for name in TABLES}


@pytest.fixture
def shop(instance: Running) -> Project:
    filled(instance)
    return shop_of(instance)


def test_the_demo_is_counted_as_it_was_made_and_the_same_when_filled_again(instance: Running) -> None:
    started = time.monotonic()
    said = filled(instance)
    assert time.monotonic() - started < SECONDS / 2
    shop = shop_of(instance)
    events = list(shop_events(today_in_shop(datetime.now(tz=UTC))))
    revenue = sum(event.properties.get("revenue", 0) for event in events)
    assert f"{len(events):,} events" in said
    for _ in range(2):
        assert count(instance, shop) == len(events)
        assert count(instance, shop, measure="sessions") == len({e.session_id for e in events if e.session_id})
        assert count(instance, shop, measure="sum:properties.revenue") == pytest.approx(revenue)
        assert filled(instance) == said
    assert (instance.data / "demo-shop.json").stat().st_mode & 0o777 == 0o600


def test_a_removed_demo_leaves_no_row_no_key_and_no_project_and_can_be_made_again(
    instance: Running, shop: Project
) -> None:
    others = int(instance.warehouse(f"SELECT count() FROM events WHERE NOT {shop.rows}")[0][0])
    assert min(rows_left(instance, shop)[name] for name in ("events", "batches", "hour_changes")) > 0
    done = instance.cli("demo-remove", timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert rows_left(instance, shop) == dict.fromkeys(TABLES, 0)
    assert int(instance.warehouse(f"SELECT count() FROM events WHERE NOT {shop.rows}")[0][0]) == others
    assert instance.post({"event": "late"}, shop).status_code == 401
    assert shop.id not in instance.cli("keys", "list", "--project", shop.id).stdout
    assert "no demo shop" in instance.cli("demo-remove", timeout=SECONDS).stdout
    filled(instance)
    again = shop_of(instance)
    assert again.id != shop.id
    assert count(instance, again) > 0


def test_a_removal_deletes_one_project_and_no_row_of_the_others_in_the_same_partitions(
    instance: Running, url: str, shop: Project
) -> None:
    other = many_partitions(url, times=2)
    before = rows_left(instance, other)
    done = instance.cli("demo-remove", timeout=SECONDS)
    assert done.returncode == 0, done.stderr
    assert "events: " in done.stdout
    assert rows_left(instance, shop) == dict.fromkeys(TABLES, 0)
    ended = many_partitions(url, times=2)
    assert min(rows_left(instance, ended).values()) > 0
    said = remove(Warehouse(url), ended)
    tables = list(dict.fromkeys(line.split(":")[0] for line in said))
    assert {"events", "rejected_events", "batches", "rollup_hours", "rollup_counts"} <= set(tables)
    assert tables[-1] == "hour_changes"
    assert f"in {WEEKS} partition(s)" in said[0]
    assert rows_left(instance, ended) == dict.fromkeys(TABLES, 0)
    assert events_seen(instance, ended) == 0
    assert events_seen(instance, other) == WEEKS * FEW
    assert rows_left(instance, other).keys() == before.keys()
    assert min(rows_left(instance, other).values()) >= WEEKS


def test_deleted_events_stay_deleted_and_the_others_stay_once_their_parts_are_merged(
    instance: Running, url: str
) -> None:
    ended, other = many_partitions(url, times=2), many_partitions(url, times=2)
    remove(Warehouse(url), ended)

    async def merge(warehouse: Warehouse) -> None:
        await warehouse.command("OPTIMIZE TABLE events PARTITION '2024-01-08' FINAL")

    with_warehouse(Warehouse(url), merge)
    assert rows_left(instance, ended)["events"] == 0
    assert events_seen(instance, other) == WEEKS * FEW


def test_a_removal_asks_only_where_rows_are_and_a_second_one_goes_on_where_the_first_stopped(
    instance: Running, url: str
) -> None:
    ended = many_partitions(url)
    deaf = Deaf(url)
    with pytest.raises(RemovalUnfinishedError, match=f"{WEEKS * FEW} rows of the project are still in events"):
        remove(deaf, ended, seconds=0)
    assert len(deaf.asked) == WEEKS
    assert all("IN PARTITION ID" in asked for asked in deaf.asked)
    slow = Slow(url)
    with pytest.raises(RemovalUnfinishedError):
        remove(slow, ended, seconds=0)
    assert 0 < rows_left(instance, ended)["events"] < WEEKS * FEW
    remove(Warehouse(url), ended)
    assert rows_left(instance, ended) == dict.fromkeys(TABLES, 0)
    deaf = Deaf(url)
    assert remove(deaf, ended, seconds=0) == []
    assert deaf.asked == []


def test_a_mutation_that_runs_already_is_waited_for_and_not_begun_again(instance: Running, url: str) -> None:
    ended = many_partitions(url, FILLINGS[1:2])

    async def stop(warehouse: Warehouse) -> None:
        await warehouse.command("SYSTEM STOP MERGES batches")

    async def go_on(warehouse: Warehouse) -> None:
        await warehouse.command("SYSTEM START MERGES batches")

    def begun() -> int:
        like = f"database = currentDatabase() AND table = 'batches' AND position(command, '{ended.id}') > 0"
        return int(instance.warehouse(f"SELECT count() FROM system.mutations WHERE {like}")[0][0])

    with_warehouse(Warehouse(url), stop)
    try:
        for _ in range(2):
            with pytest.raises(RemovalUnfinishedError, match=f"{WEEKS} rows of the project are still in batches"):
                remove(Warehouse(url), ended, seconds=1)
            assert begun() == MONTHS
    finally:
        with_warehouse(Warehouse(url), go_on)
    remove(Warehouse(url), ended)
    assert begun() == MONTHS
    assert rows_left(instance, ended) == dict.fromkeys(TABLES, 0)


def test_a_slow_warehouse_is_asked_on_and_one_that_is_away_is_said_to_be(instance: Running, url: str) -> None:
    ended = many_partitions(url)
    remove(Slow(url), ended)
    assert rows_left(instance, ended) == dict.fromkeys(TABLES, 0)
    with pytest.raises(WarehouseUnavailableError):
        remove(Warehouse("http://127.0.0.1:9/none"), ended)

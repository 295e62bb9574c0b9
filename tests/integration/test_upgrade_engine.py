"""Data of the release before, frozen as text: migrated where it lies, and copied and restored, without loss."""

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from functions.query_count.logic import CountQuery, count
from shared.backups import Manifest, Seal
from shared.backups.making import Checkpoint, Making, Source
from shared.backups.restoring import Target, restore
from shared.backups.storage import Storage
from shared.bus.memory import MemoryBus
from shared.catalog.migrate import current, migrate
from shared.clock import SYSTEM_CLOCK
from shared.ids import uuid7
from shared.objects.folder import FolderObjects
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import current_version, steps
from shared.warehouse.migrate import migrate as migrate_warehouse
from tests.integration.reading import Stored, stored

SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "upgrade"
PROJECT = uuid.UUID("01890000-0000-7000-8000-000000000002")
CATALOG_BEFORE, WAREHOUSE_BEFORE = "0015", 7
TABLES = {
    "events": "events_0007",
    "batches": "batches_0007",
    "hour_changes": "hours_0007",
    "identity_changes": "identity_0007",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("upgrade")) as found:
        yield found


async def filled_before(warehouse: Warehouse, catalog_url: str) -> None:
    """An instance as the release before left it."""
    await asyncio.to_thread(migrate, catalog_url, CATALOG_BEFORE)
    with psycopg.connect(catalog_url) as connection:
        connection.execute((SAMPLES / "catalog_0015.sql").read_bytes())
    await migrate_warehouse(warehouse, WAREHOUSE_BEFORE)
    for table, file in TABLES.items():
        await warehouse.insert_json_lines(table, (SAMPLES / f"{file}.ndjson").read_bytes())


async def looked_at(warehouse: Warehouse, catalog_url: str) -> None:
    """It is of today's release, and nothing of it is lost."""
    assert await current_version(warehouse) == len(steps())
    assert current(catalog_url) == await asyncio.to_thread(_newest)
    answer = await count(CountQuery(start="2026-01-01", end="2026-03-31"), PROJECT, warehouse)
    assert answer.value == 3
    users = await count(CountQuery(start="2026-01-01", end="2026-03-31", measure="users"), PROJECT, warehouse)
    assert users.value == 1  # the device is Ada's since she signed in
    sql = (
        "SELECT properties_raw, toString(properties.price), lookups['shops.city'] FROM events FINAL ORDER BY timestamp"
    )
    rows = (await warehouse.query(sql)).rows
    assert rows[0][0] == '{"price":1.10,"at":"2026-01-01T10:00:00Z","a":{"b":null}}'
    assert rows[2][2] == "Kiel"
    sums = (await warehouse.query("SELECT sum(eventcount), sum(rows), sum(rejected) FROM batches FINAL")).rows
    assert sums == [(4, 3, 1)]
    with psycopg.connect(catalog_url) as connection:
        found: Any = connection.execute("SELECT retention_days, name FROM projects").fetchall()
        assert found == [(400, "Shop")]
        assert connection.execute("SELECT count(*) FROM erased_people").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM retention_runs").fetchone() == (1,)


def _newest() -> str:
    folder = Path(__file__).resolve().parents[2] / "shared" / "catalog" / "migrations" / "versions"
    return max(path.name[:4] for path in folder.glob("[0-9]*.py"))


async def database(engine: Stored) -> Warehouse:
    name = f"upgrade_{uuid.uuid4().hex}"
    await engine.warehouse.command(f"CREATE DATABASE {name}")
    return Warehouse(engine.url.rpartition("/")[0] + f"/{name}", timeout_seconds=300)


async def test_data_of_the_release_before_is_migrated_where_it_lies(engine: Stored, empty_catalog_url: str) -> None:
    warehouse = await database(engine)
    try:
        await filled_before(warehouse, empty_catalog_url)
        await asyncio.to_thread(migrate, empty_catalog_url)
        await migrate_warehouse(warehouse)
        await looked_at(warehouse, empty_catalog_url)
    finally:
        await warehouse.close()


async def test_a_copy_of_the_release_before_is_restored_and_migrated(
    engine: Stored, empty_catalog_url: str, postgres: Any, tmp_path: Path
) -> None:
    here, there = await database(engine), await database(engine)
    schema = f"restored_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(empty_catalog_url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}".encode())
    try:
        await filled_before(here, empty_catalog_url)
        storage = Storage(FolderObjects(tmp_path), Seal("a secret of thirty-two characters!"))
        bus = MemoryBus()
        making = Making(Source(here, empty_catalog_url, lambda: bus, {}), storage, SYSTEM_CLOCK)
        made: Checkpoint | Manifest | None = None
        copy_id = uuid7()
        while not isinstance(made, Manifest):
            made = await making.step(copy_id, datetime.now(tz=UTC), made, 600.0)
        assert (made.catalog_revision, made.warehouse_version) == (CATALOG_BEFORE, WAREHOUSE_BEFORE)
        place = f"{empty_catalog_url}&options=-csearch_path%3D{schema}"
        await restore(made, storage, Target(there, place), SYSTEM_CLOCK, lambda _: None)
        await looked_at(there, place)
    finally:
        await here.close()
        await there.close()

"""Copies on the real engines: what is restored is what was copied, and whoever was erased stays erased."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shared.backups import BackupError, Manifest, Seal
from shared.backups.making import Checkpoint, Making, Source
from shared.backups.restoring import Target, clear, restore
from shared.backups.storage import Storage
from shared.backups.tombstones import keep
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.catalog.people import keep_erased, of_user, person_hash
from shared.clock import SYSTEM_CLOCK
from shared.events import EVENTS_TOPIC
from shared.freshness import WRITER
from shared.ids import uuid7
from shared.objects import ObjectsUnavailableError
from shared.objects.folder import FolderObjects
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate as migrate_warehouse
from tests.integration.exporting import make_project
from tests.integration.reading import Stored, batch, row, stored

SECRET = "a secret of thirty-two characters!"
LIMITS = {"max_execution_time": 300, "max_memory_usage": 1024**3}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("backup")) as found:
        yield found


class Place:
    """A warehouse and a catalog."""

    def __init__(self, warehouse: Warehouse, catalog_url: str) -> None:
        self.warehouse = warehouse
        self.catalog_url = catalog_url

    async def count(self, sql: str) -> Any:
        return (await self.warehouse.query(sql)).value

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.catalog_url) as connection:
            return connection.execute(sql.encode()).fetchall()


class World:
    """An instance with a project, its copies in a folder, and an empty place beside it."""

    def __init__(self, source: Place, target: Place, storage: Storage, folder: Path) -> None:
        self.source = source
        self.target = target
        self.storage = storage
        self.folder = folder
        self.project = uuid.uuid4()
        self.bus = MemoryBus()
        make_project(source.catalog_url, self.project)

    async def copy(self, seconds: float = 600.0) -> Manifest:
        source = Source(self.source.warehouse, self.source.catalog_url, lambda: self.bus, {})
        making = Making(source, self.storage, SYSTEM_CLOCK)
        copy_id, now = uuid7(), datetime.now(tz=UTC)
        found: Checkpoint | Manifest | None = None
        while not isinstance(found, Manifest):
            found = await making.step(copy_id, now, found, seconds)
        return found

    async def restore(self, manifest: Manifest) -> Any:
        target = Target(self.target.warehouse, self.target.catalog_url)
        return await restore(manifest, self.storage, target, SYSTEM_CLOCK, lambda _: None)


@contextlib.asynccontextmanager
async def world(engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """The source is the shared catalog and a database of its own in the shared engine."""
    names = [f"source_{uuid.uuid4().hex}", f"target_{uuid.uuid4().hex}"]
    places = []
    for name, url in zip(names, (catalog_url, empty_catalog_url), strict=True):
        await engine.warehouse.command(f"CREATE DATABASE {name}")
        place = engine.url.rpartition("/")[0] + f"/{name}"
        places.append(Place(Warehouse(place, timeout_seconds=300, read_limits=LIMITS), url))
    await migrate_warehouse(places[0].warehouse)
    storage = Storage(FolderObjects(tmp_path / "copies"), Seal(SECRET))
    try:
        yield World(places[0], places[1], storage, tmp_path / "copies")
    finally:
        for made in places:
            await made.warehouse.close()
        for name in names:
            await engine.warehouse.command(f"DROP DATABASE {name}")


def some(it: World, *users: str, month: int = 3, event: str = "view") -> Any:
    moment = datetime(2026, month, 14, 10, 30, tzinfo=UTC)
    ago = datetime(2026, 3, 31, 12, tzinfo=UTC) - moment
    return batch(
        it.project, *(row(event, ago + timedelta(minutes=n), {"n": n}, user_id=u) for n, u in enumerate(users))
    )


async def put(it: World, *messages: Any) -> None:
    from functions.batch_write.logic import store
    from functions.batch_write.records import read_record

    await store(list(map(read_record, messages)), it.source.warehouse, SYSTEM_CLOCK)


EVENTS = """
SELECT (count(), sum(cityHash64(event_id, user_id, timestamp, properties_raw, toString(properties)))) FROM events FINAL
"""


async def test_what_is_restored_is_what_was_copied(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        await put(it, some(it, *"abcdef"), some(it, *"abc", month=1), some(it, *"xy", month=2, event="identify"))
        twice = some(it, *"gh")
        await put(it, twice)
        await put(it, twice)
        manifest = await it.copy(seconds=0.0)  # a step for each unit
        assert (manifest.events, {unit.month for unit in manifest.units if unit.table == "events"}) == (
            13,
            {202601, 202602, 202603},
        )
        restored = await it.restore(manifest)
        assert (restored.events, restored.erased) == (13, 0)
        assert await it.target.count(EVENTS) == await it.source.count(EVENTS)
        for sql in ("SELECT count() FROM identity_events FINAL", "SELECT sum(changes) FROM hour_changes"):
            assert await it.target.count(sql) == await it.source.count(sql)
        for table in ("projects", "organisations", "api_keys"):
            assert it.target.rows(f"SELECT * FROM {table} ORDER BY 1") == it.source.rows(
                f"SELECT * FROM {table} ORDER BY 1"
            )
        with pytest.raises(BackupError, match="not empty"):
            await it.restore(manifest)


async def test_months_that_have_not_changed_are_not_written_again(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        await put(it, some(it, *"abc"), some(it, *"abc", month=1))
        first = await it.copy()
        await put(it, some(it, "late", month=1))
        second = await it.copy()
        files = {unit.month: unit.file for unit in second.units if unit.table == "events"}
        before = {unit.month: unit.file for unit in first.units if unit.table == "events"}
        assert files[202603] == before[202603]
        assert files[202601] != before[202601]
        assert second.written_bytes < second.bytes
        assert it.storage.remove(first.id) > 0
        assert it.storage.faults(second) == []
        assert it.storage.copies() == [second.id]
        assert (await it.restore(second)).events == 7


async def test_who_was_erased_after_a_copy_was_made_is_not_restored(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        await put(it, some(it, "ada", "bob", "ada"), some(it, "ada", month=1))
        manifest = await it.copy()
        catalog = Catalog(catalog_url)
        [[pepper]] = it.source.rows(f"SELECT person_key FROM projects WHERE id = '{it.project}'")
        hashed = person_hash(bytes(pepper), of_user("ada"))
        await keep_erased(catalog, it.project, uuid7(), {hashed: hashed})
        await catalog.close()
        keep(catalog_url, it.storage, SYSTEM_CLOCK)
        restored = await it.restore(manifest)
        assert restored.erased == 1
        assert await it.target.count("SELECT groupArray(user_id) FROM events FINAL") == ["bob"]
        assert await it.target.count("SELECT count() FROM refused_people FINAL WHERE active") == 1
        assert it.target.rows("SELECT person FROM erased_people") == [(hashed,)]


async def test_the_point_of_a_copy_is_before_the_oldest_event_that_is_not_written(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.backups.making._DRAIN_SECONDS", 0.0)
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        reader = await it.bus.subscribe(EVENTS_TOPIC, WRITER)
        await it.bus.publish(EVENTS_TOPIC, [some(it, "waits")])
        assert (await it.copy()).holds_until == datetime(2026, 3, 31, 12, tzinfo=UTC)
        await reader.ack([one.position for one in await reader.take(10, 0)])
        assert datetime.now(tz=UTC) - (await it.copy()).holds_until < timedelta(minutes=1)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


async def test_a_damaged_copy_is_refused_with_nothing_changed(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        await put(it, some(it, *"abc"))
        manifest = await it.copy()
        [unit] = [unit for unit in manifest.units if unit.table == "events"]
        assert unit.file is not None
        path = it.folder / unit.file.key
        whole = path.read_bytes()
        damages: dict[str, Callable[[Path], None]] = {"truncated": _cut, "was changed": _change, "missing": Path.unlink}
        for words, damage in damages.items():
            damage(path)
            [fault] = it.storage.faults(manifest)
            assert words in fault.what
            with pytest.raises(BackupError, match="nothing was changed"):
                await it.restore(manifest)
            path.write_bytes(whole)
        with pytest.raises(BackupError, match="another secret"):
            Storage(FolderObjects(it.folder), Seal("another secret of 32 characters!")).manifest(manifest.id)
        _change(it.folder / f"copies/{manifest.id}/manifest.json")
        with pytest.raises(BackupError):
            it.storage.manifest(manifest.id)
        assert it.target.rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


async def test_a_restore_that_broke_off_is_cleared_and_begun_anew(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        await put(it, some(it, *"abc"))
        manifest = await it.copy()

        def breaks(place: str) -> None:
            if place == "restore.before_catalog":
                raise OSError("the machine stops")

        with monkeypatch.context() as broken:
            broken.setattr("shared.backups.restoring.reach", breaks)
            with pytest.raises(OSError, match="stops"):
                await it.restore(manifest)
        with pytest.raises(BackupError, match="--clear"):
            await it.restore(manifest)
        await clear(Target(it.target.warehouse, it.target.catalog_url))
        assert (await it.restore(manifest)).events == 3
        with pytest.raises(BackupError, match="nothing was cleared"):
            await clear(Target(it.target.warehouse, it.target.catalog_url))


class Filling(FolderObjects):
    """A folder on a disk that is full from the file of a table on."""

    full = True

    @contextlib.contextmanager
    def writer(self, key: str, *, content_type: str = "") -> Iterator[Any]:
        if self.full and "hour_changes" in key:
            raise ObjectsUnavailableError("the storage of objects is full: make room, it goes on by itself")
        with super().writer(key, content_type=content_type) as sink:
            yield sink


async def test_a_disk_that_is_full_in_the_middle_loses_nothing_and_is_gone_on_with(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        await put(it, some(it, *"abc"))
        first = await it.copy()
        await put(it, some(it, *"de"))
        objects = Filling(it.folder)
        it.storage = Storage(objects, Seal(SECRET))
        noted: list[Checkpoint] = []

        async def note(checkpoint: Checkpoint) -> None:
            noted.append(checkpoint)

        source = Source(it.source.warehouse, it.source.catalog_url, lambda: it.bus, {})
        making, copy_id, now = Making(source, it.storage, SYSTEM_CLOCK), uuid7(), datetime.now(tz=UTC)
        with pytest.raises(ObjectsUnavailableError, match="full"):
            await making.step(copy_id, now, None, 600.0, note)
        assert it.storage.copies() == [first.id]
        assert it.storage.faults(first) == []
        assert "events" in {unit.table for unit in noted[-1].units}
        objects.full = False
        made = await making.step(copy_id, now, noted[-1], 600.0, note)
        assert isinstance(made, Manifest)
        assert (it.storage.faults(made), (await it.restore(made)).events) == ([], 5)


async def test_a_folder_nobody_may_write_to_is_said_to_be(
    engine: Stored, catalog_url: str, empty_catalog_url: str, tmp_path: Path
) -> None:
    async with world(engine, catalog_url, empty_catalog_url, tmp_path) as it:
        (tmp_path / "file").write_text("no folder")
        it.storage = Storage(FolderObjects(tmp_path / "file" / "copies"), Seal(SECRET))
        with pytest.raises(BackupError, match="storage of copies refuses"):
            await it.copy()
        await asyncio.sleep(0)

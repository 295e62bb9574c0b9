"""A copy into an empty place: verified first, then the warehouse, then whom not to restore, and the catalog last.

Nobody can ask for anything before the catalog is there, and it comes in one transaction: until then the place is as
empty as it was to everybody. A restore that breaks off leaves rows in the warehouse and nothing in the catalog; the
same restore begins anew after `clear`.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog

from shared.backups import BackupError, Manifest, Unit
from shared.backups import catalog as catalog_files
from shared.backups.rows import fingerprint, load, part_of
from shared.backups.storage import Storage
from shared.backups.tombstones import Tombstones, apply, read
from shared.clock import Clock
from shared.failpoints import reach
from shared.warehouse import migrate as warehouse_migrations
from shared.warehouse.client import Warehouse

log = structlog.get_logger()

_TABLES = """
SELECT name FROM system.tables
WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_migrations' ORDER BY name
"""
# What belongs to the instance that was, and not to the one that is made of it.
_AFTERWARDS = """
UPDATE backups SET state = 'failed', error_code = 'restored', lease_token = NULL, lease_until = NULL
    WHERE state = 'running';
UPDATE ledger_partitions SET published = proven, checked_at = now();
DELETE FROM erasure_looks
"""


class Restored(NamedTuple):
    """What was restored: events (each once), rows of the warehouse, and ids of people that were left out."""

    events: int
    rows: int
    erased: int


class Target(NamedTuple):
    """An empty place; `warehouse_url` names its database."""

    warehouse: Warehouse
    catalog_url: str


Say = Callable[[str], None]


async def restore(manifest: Manifest, storage: Storage, target: Target, clock: Clock, say: Say) -> Restored:
    """Restore a copy; raises BackupError with nothing changed where the copy is damaged or the place is not empty."""
    await refuse_unless_empty(target)
    say(f"looking through {len(manifest.files)} files")
    faults = await asyncio.to_thread(storage.faults, manifest)
    if faults:
        shown = "; ".join(f"{fault.key} {fault.what}" for fault in faults[:5])
        raise BackupError(f"the copy is damaged, nothing was changed: {shown}")
    tombstones = await asyncio.to_thread(read, storage)
    await _warehouse(manifest, storage, target.warehouse, say)
    reach("restore.after_warehouse")
    erased = 0
    if tombstones is not None and tombstones.people:
        say("leaving out who was erased since")
        erased = await apply(target.warehouse, tombstones, clock)
    reach("restore.before_catalog")
    say("the catalog")
    await asyncio.to_thread(_catalog, manifest, storage, target.catalog_url, tombstones)
    reach("restore.after_catalog")
    return Restored(manifest.events, manifest.rows, erased)


async def refuse_unless_empty(target: Target) -> None:
    """Raise BackupError where anything is there already: a restore adds to nothing and replaces nothing."""
    there = await asyncio.to_thread(catalog_files.rows_there, target.catalog_url)
    if there:
        raise BackupError(
            f"the catalog is not empty ({_words(there)}): restore into another data folder or another database"
        )
    rows = await _rows_there(target.warehouse)
    if rows:
        raise BackupError(
            f"the warehouse is not empty ({_words(rows)}): restore into another data folder or another database;"
            " what a restore left that broke off goes with `--clear`"
        )


async def clear(target: Target) -> None:
    """Empty a warehouse whose catalog is empty: what a restore left that broke off. Raises BackupError otherwise."""
    there = await asyncio.to_thread(catalog_files.rows_there, target.catalog_url)
    if there:
        raise BackupError(f"the catalog is not empty ({_words(there)}): nothing was cleared")
    for (table,) in (await target.warehouse.query(_TABLES)).rows:
        await target.warehouse.command(f"TRUNCATE TABLE {table}")


async def differences(manifest: Manifest, warehouse: Warehouse) -> list[str]:
    """Where a warehouse is not what a copy of it says: rows and their hashes, unit by unit."""
    found = []
    for unit in manifest.units:
        rows, total = await fingerprint(warehouse, part_of(unit, final=await _collapses(warehouse, unit)))
        if (rows, total) != (unit.rows, unit.hash):
            what = "other rows" if rows == unit.rows else f"{rows} rows instead of {unit.rows}"
            found.append(f"{unit.table}{f' {unit.month}' if unit.month else ''}: {what}")
    return found


async def _collapses(warehouse: Warehouse, unit: Unit) -> bool:
    sql = "SELECT engine FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
    engine: str = (await warehouse.query(sql, {"table": unit.table})).value
    return engine.removeprefix("Replicated") != "MergeTree"


async def _rows_there(warehouse: Warehouse) -> dict[str, int]:
    counts = {}
    for (table,) in (await warehouse.query(_TABLES)).rows:
        counts[table] = int((await warehouse.query(f"SELECT count() FROM {table}")).value)
    return {name: count for name, count in counts.items() if count}


async def _warehouse(manifest: Manifest, storage: Storage, warehouse: Warehouse, say: Say) -> None:
    """The tables as they were, at the version they had; then the way to today's."""
    await warehouse_migrations.migrate(warehouse, 0)
    await warehouse_migrations.migrate(warehouse, manifest.warehouse_version)
    for unit in manifest.units:
        say(f"{unit.table}{f' {unit.month}' if unit.month else ''}: {unit.rows:,} rows")
        await asyncio.to_thread(load, warehouse, unit, storage)
        reach("restore.after_unit")
    if wrong := await differences(manifest, warehouse):
        raise BackupError(f"what was restored is not what was copied: {'; '.join(wrong[:5])}")
    await warehouse_migrations.migrate(warehouse)


def _catalog(manifest: Manifest, storage: Storage, url: str, tombstones: Tombstones | None) -> None:
    from shared.catalog import migrate as catalog_migrations  # what only a restore pays for

    if catalog_migrations.current(url) is not None:
        catalog_migrations.downgrade(url, "base")
    catalog_migrations.migrate(url, manifest.catalog_revision)
    with catalog_files.loading(url) as loading:
        loading.load(manifest, storage)
    catalog_migrations.migrate(url)
    with catalog_files.loading(url) as loading:
        loading.connection.execute(_AFTERWARDS)
        _note_copy(loading.connection, manifest)
        if tombstones is not None:
            _note_erased(loading.connection, tombstones)


def _note_copy(connection: Any, manifest: Manifest) -> None:
    """The copy itself was under way when it copied the catalog."""
    connection.execute(
        """
        UPDATE backups SET state = 'completed', finished_at = %s, holds_until = %s, events = %s, rows = %s, bytes = %s,
            error_code = NULL
        WHERE id = %s
        """,
        (manifest.finished_at, manifest.holds_until, manifest.events, manifest.rows, manifest.bytes, manifest.id),
    )


def _note_erased(connection: Any, tombstones: Tombstones) -> None:
    """Whom batch_write is to refuse is who was erased by now, not by then."""
    connection.execute("DELETE FROM erased_people")
    for one in tombstones.people:
        connection.execute(
            """
            INSERT INTO erased_people SELECT found.* FROM json_populate_record(NULL::erased_people, %s::json) AS found
            WHERE EXISTS (SELECT FROM projects WHERE id = %s)
            """,
            (one.row, one.project_id),
        )


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} in {name}" for name, count in sorted(counts.items(), key=lambda one: -one[1])[:4])

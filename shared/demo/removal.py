"""The end of a project's rows in the warehouse."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from shared.refusals import Rejected, UnavailableError

# The ledger last: a run that broke off before may be repeated, and until then knows which hours had rows.
_TABLES = ("events", "rejected_events", "batches", "rollup_hours", "rollup_counts", "hour_changes")
_SECONDS = 600.0
_POLL_SECONDS = 0.2
_SAY_SECONDS = 5.0
# A mutation clones every part of its table, also those it has nothing to do in: half a minute for 250 parts.
# Patches write only beside the project's rows; tables without block numbers fall back to mutations, not waited for.
_SETTINGS = "lightweight_delete_mode = 'lightweight_update', lightweight_deletes_sync = 0"


class RemovalUnfinishedError(Exception):
    """Rows are left after the time allowed; the same call goes on with these."""


class _Answer(Protocol):
    @property
    def rows(self) -> list[tuple[Any, ...]]: ...


class _Warehouse(Protocol):
    async def command(self, sql: str) -> None: ...

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> _Answer: ...

    async def ping(self) -> None: ...


async def delete_rows(
    warehouse: _Warehouse, project_id: uuid.UUID, say: Callable[[str], None], *, seconds: float = _SECONDS
) -> None:
    """Delete every row of a project that nobody sends to any more, and return once no SELECT finds one.

    Only partitions with rows of the project are asked to delete, by the first key column alone, so that no repeat of
    a row survives its newest. The hour ledger's rows go too: the project ends, and with it whoever could ask whether
    a rollup of it is current. Harmless to repeat: a broken-off call is continued, not begun again. `say` is told of
    progress. The bytes leave the disk when the engine next merges those parts.
    Raises RemovalUnfinishedError after `seconds`, UnavailableError where the warehouse does not answer at all.
    """
    deadline = time.monotonic() + seconds
    for table in _TABLES:
        await _empty(warehouse, table, project_id, say, deadline)


async def _empty(
    warehouse: _Warehouse, table: str, project_id: uuid.UUID, say: Callable[[str], None], deadline: float
) -> None:
    """Delete the project's rows of one table and wait until they are gone."""
    left: dict[str, int] | None = None
    say_at = 0.0
    while True:
        try:
            # Before the count: a mutation that ends in between must not look like one nobody asked for.
            under_way = await _under_way(warehouse, table, project_id)
            left = await _left(warehouse, table, project_id)
            if not left:
                return
            if time.monotonic() >= say_at:
                say(f"{table}: {_rows(left)} in {len(left)} partition(s) to delete")
                say_at = time.monotonic() + _SAY_SECONDS
            for partition in sorted(left.keys() - under_way):
                await _delete(warehouse, table, partition, project_id)
        except (UnavailableError, Rejected):
            await warehouse.ping()  # not away but slow: what was asked for may well go on
        if time.monotonic() > deadline:
            raise RemovalUnfinishedError(f"{_rows(left)} of the project are still in {table}")
        await asyncio.sleep(_POLL_SECONDS)


async def _left(warehouse: _Warehouse, table: str, project_id: uuid.UUID) -> dict[str, int]:
    """The project's rows by partition, repeats too."""
    answer = await warehouse.query(
        f"SELECT _partition_id, count() FROM {table} WHERE project_id = {{project_id:UUID}} GROUP BY 1",
        {"project_id": str(project_id)},
    )
    return {str(partition): int(rows) for partition, rows in answer.rows}


async def _under_way(warehouse: _Warehouse, table: str, project_id: uuid.UUID) -> set[str]:
    """The partitions for which a mutation that deletes the project's rows has begun and not ended, whoever began it."""
    answer = await warehouse.query(
        "SELECT extract(command, 'IN PARTITION ID .([0-9A-Za-z_-]+)') FROM system.mutations WHERE NOT is_done"
        " AND database = currentDatabase() AND table = {table:String} AND position(command, {project_id:String}) > 0",
        {"table": table, "project_id": str(project_id)},
    )
    return {str(partition) for (partition,) in answer.rows}


async def _delete(warehouse: _Warehouse, table: str, partition: str, project_id: uuid.UUID) -> None:
    await warehouse.command(
        f"DELETE FROM {table} IN PARTITION ID '{partition}' WHERE project_id = '{project_id}' SETTINGS {_SETTINGS}"
    )


def _rows(left: dict[str, int] | None) -> str:
    return "rows" if left is None else f"{sum(left.values()):,} rows"

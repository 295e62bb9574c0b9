"""Bytes of deleted rows off the disk: partitions are rewritten, and what they were before is seen to be gone.

A deleted row is hidden at once and stays in its part until the engine merges that; the part before stays for a while
after the merge. Both are waited for, by the names of the parts that held the rows.
"""

from collections.abc import Callable, Collection, Mapping

from shared.query.scope import read_sql
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import HERE, Table, checked_partition

Parts = dict[str, list[str]]
"""Names of parts by their table."""


async def parts_of(warehouse: Warehouse, partitions: Mapping[Table, Collection[str]]) -> Parts:
    """The parts there are now: all that may hold what was deleted before, if the deletion has ended."""
    found: Parts = {}
    for table, names in partitions.items():
        if names:
            found[table] = [name for _, name, _ in await _parts(warehouse, table, names)]
    return found


async def rewrite(
    warehouse: Warehouse, partitions: Mapping[Table, Collection[str]], parts: Parts, check: Callable[[], None]
) -> None:
    """Have the engine rewrite each partition in which one of these parts is in use.

    To be repeated: an engine that is merging the same parts just now leaves them, and says nothing. A replica is
    rewritten where it is asked; the others fetch what it made. `check` is called between statements and may raise.
    """
    for table, names in partitions.items():
        before = frozenset(parts.get(table, ()))
        found = await _parts(warehouse, table, names) if before else []
        in_use = {partition for partition, name, active in found if active and name in before and not _is_patch(name)}
        for partition in sorted(in_use):
            check()
            await warehouse.command(f"OPTIMIZE TABLE {table} PARTITION ID '{checked_partition(partition)}' FINAL")


async def left_of(warehouse: Warehouse, partitions: Mapping[Table, Collection[str]], parts: Parts) -> int:
    """How many of these parts are on the disk still: the engine removes what it replaced some minutes later."""
    left = 0
    for table, names in partitions.items():
        if before := frozenset(parts.get(table, ())):
            left += sum(name in before for _, name, _ in await _parts(warehouse, table, names))
    return left


def _is_patch(name: str) -> bool:
    """Whether a part only says which rows are gone: it goes when all parts that had such rows are rewritten."""
    return name.startswith("patch-")


async def _parts(warehouse: Warehouse, table: str, partitions: Collection[str]) -> list[tuple[str, str, bool]]:
    values = {"table": table, "partitions": sorted(partitions)}
    rows = (await warehouse.query(read_sql(HERE, "parts_of"), values)).rows
    return [(str(partition), str(name), bool(active)) for partition, name, active in rows]

"""Rows that are to go: deleted for every reader at once, counted before and after, noted in the hour ledger.

Conditions must be on key columns, or on what no later repeat of a row can escape: a DELETE that matches only the
newest repeat of a row brings the older one back.
"""

import asyncio
import math
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from shared.clock import to_datetime
from shared.query.scope import read_sql
from shared.refusals import UnavailableError
from shared.warehouse.client import Warehouse, WarehouseError

Table = Literal[
    "events",
    "rejected_events",
    "batches",
    "rollup_hours",
    "rollup_counts",
    "hour_changes",
    "identity_events",
    "identity_merges",
    "user_sessions",
    "daily_metrics",
    "segments",
    "segment_lists",
    "segment_members",
    "refused_people",
    "rejected_replays",
    "held_keys",
]

# A job looks through everything a project has: it may take its time, and a slow look is no reason to end it.
READ_LIMITS: Mapping[str, Any] = {
    "max_memory_usage": 1024**3,
    "max_execution_time": 300,
    "timeout_overflow_mode": "throw",
    "max_bytes_before_external_sort": 256 * 1024**2,
    "max_bytes_before_external_group_by": 256 * 1024**2,
}
SOCKET_SECONDS = 320.0

HERE = Path(__file__).parent
_PARTITION = re.compile(r"[0-9A-Za-z_-]+")
_POLL_SECONDS = 0.2
# A statement whose rows are still there after so long is given once more.
_AGAIN_SECONDS = 30.0
_NO_SUCH_PART = 232


class Rows(NamedTuple):
    """Rows of a table: a condition and the values bound in it."""

    table: Table
    where: str
    values: Mapping[str, Any]


class Count(msgspec.Struct, frozen=True):
    """How many rows there are: `events` counts repeats once, `rows` each of them."""

    events: int = 0
    rows: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.events + other.events, self.rows + other.rows)


class DeletionUnfinishedError(UnavailableError):
    """Rows are left after the time allowed; the same call goes on with these."""


async def count_rows(warehouse: Warehouse, which: Rows) -> Count:
    """How many there are now, with FINAL and without."""
    answer = await warehouse.query(statement("row_count", which), which.values)
    [[events, rows]] = answer.rows
    return Count(int(events), int(rows))


async def touched_hours(warehouse: Warehouse, which: Rows) -> list[int]:
    """The hours in which events of a condition are, in seconds from 1970."""
    answer = await warehouse.query(statement("row_hours", which), which.values)
    return [int(hour) for (hour,) in answer.rows]


async def partitions_of(warehouse: Warehouse, which: Rows) -> dict[str, int]:
    """How many rows of a condition each partition has, repeats too."""
    answer = await warehouse.query(statement("rows_by_partition", which), which.values)
    return {str(partition): int(rows) for partition, rows in answer.rows}


async def delete_rows(
    warehouse: Warehouse,
    which: Rows,
    check: Callable[[], None],
    *,
    seconds: float = 600.0,
    mark: str = "",
    say: Callable[[Mapping[str, int]], None] = lambda _: None,
) -> None:
    """Delete them and return once no SELECT finds one.

    Harmless to repeat. `check` is called between statements and may raise. With a `mark`, a partition in which a
    mutation with that text runs is waited for, whoever began it. `say` is told of the rows left by partition. Raises
    DeletionUnfinishedError after `seconds`, UnavailableError where the warehouse does not answer.
    """
    deadline = time.monotonic() + seconds
    asked: dict[str, float] = {}
    while True:
        # Before the count: a mutation that ends in between must not look like one nobody asked for.
        busy = await _under_way(warehouse, which.table, mark) if mark else frozenset()
        left = await partitions_of(warehouse, which)
        if not left:
            return
        say(left)
        now = time.monotonic()
        due = [name for name in left if name not in busy and now - asked.get(name, -math.inf) > _AGAIN_SECONDS]
        for partition in due:
            check()
            asked[partition] = time.monotonic()
            await warehouse.command(
                statement("delete_rows", which, partition=checked_partition(partition)), which.values
            )
        if time.monotonic() > deadline:
            raise DeletionUnfinishedError(f"{sum(left.values()):,} rows are still in {which.table}")
        if not due:
            check()
            await asyncio.sleep(_POLL_SECONDS)


async def _under_way(warehouse: Warehouse, table: Table, mark: str) -> frozenset[str]:
    """The partitions of a table in which a mutation with that text has begun and not ended."""
    answer = await warehouse.query(read_sql(HERE, "mutations"), {"table": table, "mark": mark})
    return frozenset(str(partition) for (partition,) in answer.rows)


async def drop_parts(warehouse: Warehouse, which: Rows, partitions: Iterable[str], check: Callable[[], None]) -> int:
    """Drop the parts of these partitions whose rows are all of the condition; how many those were.

    A part never changes: what is written meanwhile is in another, and one that was merged is not found any more and
    left to delete_rows. So no row goes that was not looked at, as one could with a whole partition.
    """
    dropped = 0
    for partition in partitions:
        answer = await warehouse.query(
            statement("parts_all_due", which, partition=checked_partition(partition)), which.values
        )
        for (part,) in answer.rows:
            check()
            try:
                await warehouse.command(f"ALTER TABLE {which.table} DROP PART '{checked_partition(str(part))}'")
            except WarehouseError as error:
                if error.code != _NO_SUCH_PART:
                    raise
            else:
                dropped += 1
    return dropped


async def note_hours(warehouse: Warehouse, project_id: uuid.UUID, hours: Iterable[int]) -> None:
    """Append to the ledger that these hours (seconds from 1970) have changed: after the change, never before."""
    rows = [{"project_id": str(project_id), "hour": _text(hour), "changes": 1} for hour in sorted(hours)]
    if rows:
        await warehouse.insert_json_lines("hour_changes", msgspec.json.Encoder().encode_lines(rows))


def statement(name: str, which: Rows, **more: str) -> str:
    """The SQL of a query file for these rows; their values are bound beside it."""
    return read_sql(HERE, name, table=which.table, where=which.where, **more)


def checked_partition(partition: str) -> str:
    """The id of a partition or part as it may stand in a statement; raises ValueError for what is none."""
    if not _PARTITION.fullmatch(partition):
        raise ValueError(f"{partition!r} is no partition's id")
    return partition


def _text(hour: int) -> str:
    return to_datetime(hour * 1_000_000).replace(tzinfo=None).isoformat(" ")

"""Hours whose rows have changed → their counts, in the order that keeps every answer exact.

A step reads the version of its hours in the ledger, counts their rows under a generation of its own and, last, writes
the headers: which generation counts, and of which version it was made. It may end anywhere: without a header its
counts are nobody's. Whoever changes rows appends to the ledger afterwards, so a header that still has the ledger's
version was counted from the rows as they are. Two at once make two generations, of which the newer one counts.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog

from shared import metrics
from shared.clock import Clock
from shared.failpoints import reach
from shared.query.scope import read_sql
from shared.warehouse.client import Answer

log = structlog.get_logger()

HOUR = 3_600
_WEEK = 7 * 24 * HOUR
_MONDAY = 4 * 24 * HOUR  # 1970-01-05
SECOND = 1_000_000
# Hours of one look; what is due beyond them is due the next time.
MOST_HOURS = 20_000
# Longer than any query may take, so none reads a generation while it goes.
KEPT_SECONDS = 600
_DICE_BITS = 10


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer: ...
    async def change(self, sql: str, parameters: Mapping[str, Any]) -> None: ...
    async def insert_json_lines(self, table: str, lines: bytes) -> None: ...
    async def sync(self, table: str) -> None: ...


class Pace(NamedTuple):
    """When an hour is due: `over` seconds after its end, once unchanged for `quiet` or after `waited` at most.

    A run begins no further step after `run_seconds`.
    """

    over: float = 120
    quiet: float = 30
    waited: float = 600
    run_seconds: float = 20


class Due(NamedTuple):
    """An hour to roll up: its project, its begin in seconds since 1970, its version in the ledger.

    `newest` is the generation that counts now, 0 where there is none.
    """

    project: str
    start: int
    version: int
    newest: int = 0


class Ran(NamedTuple):
    """What a run has done: hours and events rolled up; `left` hours are due still."""

    hours: int
    events: int
    left: int


async def run(warehouse: Warehouse, clock: Clock, pace: Pace, most: int = MOST_HOURS) -> Ran:
    """Roll up at most so many due hours, oldest week first; raises UnavailableError where nobody answers."""
    started, hours, events = clock.monotonic(), 0, 0
    due = await _due(warehouse, clock, pace, most)
    for step in _steps(due):
        if hours and clock.monotonic() - started > pace.run_seconds:
            break
        events += await _roll_up(step, warehouse, clock)
        hours += len(step)
    metrics.ROLLUP_HOURS.inc(hours)
    metrics.ROLLUP_DUE.set(len(due) - hours)
    if due:
        log.info("rolled up", hours=hours, events=events, left=len(due) - hours)
    return Ran(hours, events, len(due) - hours)


async def forget_superseded(warehouse: Warehouse, clock: Clock) -> int:
    """Delete counts of older generations; returns how many rows those were."""
    before = {"before": generation_of(clock.micros() - KEPT_SECONDS * SECOND)}
    found = int((await warehouse.query(sql_of("superseded"), before)).value)
    if found:
        await warehouse.change(sql_of("forget"), before)
        reach("rollup.after_forget")
    return found


async def _due(warehouse: Warehouse, clock: Clock, pace: Pace, most: int) -> list[Due]:
    now = clock.micros() / SECOND
    moments = {
        "over": int(now - pace.over) - HOUR,
        "quiet": int(now - pace.quiet),
        "waited": generation_of(int((now - pace.waited) * SECOND)),
        "most": most,
    }
    return [Due(*row) for row in (await warehouse.query(sql_of("due"), moments)).rows]


def _steps(due: Sequence[Due]) -> Iterator[list[Due]]:
    """Hours of one project within one week: one partition, which FINAL reads on its own."""
    for _, hours in groupby(due, key=lambda hour: (hour.project, (hour.start - _MONDAY) // _WEEK)):
        yield list(hours)


async def _roll_up(hours: Sequence[Due], warehouse: Warehouse, clock: Clock) -> int:
    """Write one generation of these hours, then their headers; returns how many events they have."""
    project = hours[0].project
    # Readers take the newest: a clock that was ahead and went back must not hide what is counted from now on.
    generation = max(generation_of(clock.micros()), max(hour.newest for hour in hours) + 1)
    starts = [hour.start for hour in hours]
    first, last = min(starts), max(starts) + HOUR
    which = {"project": project, "generation": generation}
    wide = {**which, "start": first * SECOND, "end": last * SECOND, "hours": starts}
    reach("rollup.after_version")
    await warehouse.sync("events")
    await warehouse.change(sql_of("count"), wide)
    reach("rollup.after_counts")
    answer = await warehouse.query(sql_of("written"), {**which, "start": first, "end": last})
    written: dict[int, int] = {start: int(rows) for start, rows in answer.rows}
    headers = (_header(hour, generation, written.get(hour.start, 0)) for hour in hours)
    await warehouse.insert_json_lines("rollup_hours", lines_of(headers))
    reach("rollup.after_header")
    return sum(written.values())


def _header(hour: Due, generation: int, rows: int) -> dict[str, object]:
    return {
        "project_id": hour.project,
        "hour": hour.start,
        "generation": generation,
        "version": hour.version,
        "rows": rows,
    }


def lines_of(rows: Iterable[object]) -> bytes:
    """Rows as the warehouse takes them."""
    return msgspec.json.Encoder().encode_lines(list(rows))


def generation_of(micros: int) -> int:
    """A number that grows with time; two that begin in the same microsecond hardly ever get the same."""
    return micros << _DICE_BITS | random.getrandbits(_DICE_BITS)


def sql_of(name: str, **parts: str) -> str:
    """The query file of that name, its marks replaced."""
    return read_sql(Path(__file__).parent, name, **parts)

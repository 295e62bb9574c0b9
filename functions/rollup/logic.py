"""Hours whose rows have changed → their counts, in the order that keeps every answer exact.

A step reads the version of its hours in the ledger, counts their rows under a generation of its own and, last, writes
the headers: which generation counts, and of which version it was made. It may end anywhere: without a header its
counts are nobody's. Whoever changes rows appends to the ledger afterwards, so a header that still has the ledger's
version was counted from the rows as they are. Two at once make two generations, of which the newer one counts.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import structlog

from functions.rollup.generations import (
    SECOND,
    Pace,
    Warehouse,
    forget,
    in_time,
    lines_of,
    moments,
    next_generation,
    sql_of,
)
from shared import metrics
from shared.clock import Clock
from shared.failpoints import reach

log = structlog.get_logger()

HOUR = 3_600
_WEEK = 7 * 24 * HOUR
_MONDAY = 4 * 24 * HOUR  # 1970-01-05
# Hours of one look; what is due beyond them is due the next time.
MOST_HOURS = 20_000


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
    until, hours, events = clock.monotonic() + pace.run_seconds, 0, 0
    looked = await warehouse.query(sql_of("due"), moments(clock, pace, HOUR, most))
    due = [Due(*row) for row in looked.rows]
    for step in in_time(_steps(due), clock, until):
        events += await _roll_up(step, warehouse, clock)
        hours += len(step)
    metrics.ROLLUP_HOURS.inc(hours)
    metrics.ROLLUP_DUE.set(len(due) - hours)
    if due:
        log.info("rolled up", hours=hours, events=events, left=len(due) - hours)
    return Ran(hours, events, len(due) - hours)


async def forget_superseded(warehouse: Warehouse, clock: Clock) -> int:
    """Delete counts of older generations; returns how many rows those were."""
    found = await forget(warehouse, clock, "superseded", "forget")
    if found:
        reach("rollup.after_forget")
    return found


def _steps(due: Sequence[Due]) -> Iterator[list[Due]]:
    """Hours of one project within one week: one partition, which FINAL reads on its own."""
    for _, hours in groupby(due, key=lambda hour: (hour.project, (hour.start - _MONDAY) // _WEEK)):
        yield list(hours)


async def _roll_up(hours: Sequence[Due], warehouse: Warehouse, clock: Clock) -> int:
    """Write one generation of these hours, then their headers; returns how many events they have."""
    project = hours[0].project
    generation = next_generation(clock, hours)
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

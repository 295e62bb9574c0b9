"""Days whose rows have changed → their runs, of which sessions are put together; in the order of logic.py.

A run lies within one day, so a day's runs depend on that day's rows and the project's gap and on nothing else: a
session over midnight is two runs, and who an id belongs to is asked when sessions are.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

import structlog

from functions.rollup.generations import (
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
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.sessions import KEPT, USUAL_GAP, WantedSessions, runs_sql

log = structlog.get_logger()

DAY = 86_400
MOST_DAYS = 5_000
# Days made at once, so that one step fits into memory; FINAL reads each of their weeks on its own.
_AT_ONCE = 7


class Catalog(Protocol):
    """What is needed of the catalog."""

    async def rows(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]: ...


class Due(NamedTuple):
    """A day to make: its project, its begin in seconds since 1970, its version in the ledger, the project's gap.

    `newest` is the generation that counts now, 0 where there is none.
    """

    project: str
    start: int
    version: int
    newest: int
    gap: int


class Ran(NamedTuple):
    """What a run has done: days and runs made; `left` days are due still."""

    days: int
    runs: int
    left: int


async def run(warehouse: Warehouse, catalog: Catalog, clock: Clock, pace: Pace, most: int = MOST_DAYS) -> Ran:
    """Make the runs of at most so many due days; raises UnavailableError where nobody answers."""
    until, days, made = clock.monotonic() + pace.run_seconds, 0, 0
    due = await _due(warehouse, catalog, clock, pace, most)
    for step in in_time(_steps(due), clock, until):
        made += await _make(step, warehouse, clock)
        days += len(step)
    metrics.SESSION_DAYS.inc(days)
    metrics.SESSION_DAYS_DUE.set(len(due) - days)
    if due:
        log.info("sessions made", days=days, runs=made, left=len(due) - days)
    return Ran(days, made, len(due) - days)


async def forget_superseded(warehouse: Warehouse, clock: Clock) -> int:
    """Delete runs of older generations; returns how many rows those were."""
    return await forget(warehouse, clock, "session_superseded", "session_forget")


async def _due(warehouse: Warehouse, catalog: Catalog, clock: Clock, pace: Pace, most: int) -> list[Due]:
    other = await catalog.rows("session_gaps", {"usual": USUAL_GAP})
    gaps = {
        "projects": [str(row["id"]) for row in other],
        "gaps": [row["seconds"] for row in other],
        "usual": USUAL_GAP,
    }
    looked = await warehouse.query(sql_of("session_due"), {**moments(clock, pace, DAY, most), **gaps})
    return [Due(*row) for row in looked.rows]


def _steps(due: Sequence[Due]) -> Iterator[list[Due]]:
    """Days of one project that were made for one gap, a few at once."""
    for _, found in groupby(due, key=lambda day: (day.project, day.gap)):
        days = list(found)
        for begin in range(0, len(days), _AT_ONCE):
            yield days[begin : begin + _AT_ONCE]


async def _make(days: Sequence[Due], warehouse: Warehouse, clock: Clock) -> int:
    """Write one generation of these days, then their headers; returns how many runs they have."""
    generation = next_generation(clock, days)
    first, last = days[0].start, days[-1].start + DAY
    reach("sessions.after_version")
    await warehouse.sync("events")
    await warehouse.change(*_insert(days, generation))
    reach("sessions.after_runs")
    which = {"project": days[0].project, "generation": generation, "start": first, "end": last}
    written = {row[0]: row[1:] for row in (await warehouse.query(sql_of("session_written"), which)).rows}
    headers = (_header(day, generation, written.get(day.start, (0, 0, 0, 0))) for day in days)
    await warehouse.insert_json_lines("daily_metrics", lines_of(headers))
    reach("sessions.after_header")
    return sum(int(found[0]) for found in written.values())


def _insert(days: Sequence[Due], generation: int) -> tuple[str, dict[str, Any]]:
    parameters = Parameters()
    period = Period(_moment(days[0].start), _moment(days[-1].start + DAY), ZoneInfo("UTC"))
    wanted = WantedSessions(uuid.UUID(days[0].project), period, days[0].gap)
    sql = sql_of(
        "session_runs",
        project=parameters.bind("UUID", days[0].project),
        generation=parameters.bind("UInt64", generation),
        names=", ".join(KEPT),
        values=", ".join(f"tupleElement(run_first, {place})" for place in range(1, len(KEPT) + 1)),
        runs=runs_sql(wanted, parameters, [day.start for day in days], f"({', '.join(KEPT)})"),
    )
    return sql, parameters.values


def _header(day: Due, generation: int, figures: Sequence[Any]) -> dict[str, object]:
    names = ("runs", "events", "keys", "single")
    counted = dict(zip(names, map(int, figures), strict=True))
    which = {"project_id": day.project, "day": f"{_moment(day.start):%Y-%m-%d}", "generation": generation}
    return {**which, "version": day.version, "gap": day.gap, **counted}


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)

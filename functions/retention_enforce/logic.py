"""What a project keeps no longer, dropped a bounded piece at a time, in an order that no crash makes a lie.

A run is noted with its hours before anything goes; then rows go, then the hour ledger is told, then the run is done. A
run that broke off has its hours told to the ledger by the next one.
"""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog

from functions.retention_enforce.clocks import Seen, objection
from shared.catalog.client import Catalog, Queries
from shared.clock import Clock, to_datetime
from shared.ids import uuid7
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import (
    Count,
    Rows,
    Table,
    count_rows,
    delete_rows,
    drop_parts,
    note_hours,
    partitions_of,
    touched_hours,
)

log = structlog.get_logger()

MOST_DAYS = 36_500
_HERE = Path(__file__).parent
_DELETE_SECONDS = 25.0
_RUNS_SEEN = 100


class Due(msgspec.Struct, frozen=True):
    """What is older than a cutoff: events, each once and with repeats, rejected events, and the hours they are in."""

    cutoff: datetime
    events: int
    rows: int
    hours: int
    rejected: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the catalog has it: `held` because of the clock, `started`, `completed`, or only a `dry_run`."""

    id: uuid.UUID
    state: str
    days: int
    cutoff: datetime
    at: datetime
    finished_at: datetime | None
    hour_count: int
    events: int
    rows: int
    rejected: int
    dropped_parts: int
    left_rows: int | None
    detail: str


class Piece(NamedTuple):
    """What goes in one run: its hours, in seconds from 1970, and how much it is."""

    hours: list[int]
    events: Count
    rejected: Count


_NOTHING = Piece([], Count(), Count())


class Limits(NamedTuple):
    """How much goes in one run of one project, and whether anything goes at all."""

    partitions: int
    dry_run: bool


class Retention:
    """What projects keep, and the end of the rest."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, clock: Clock, limits: Limits) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._clock = clock
        self.limits = limits

    async def days(self, project_id: uuid.UUID) -> int | None:
        """For how many days the project keeps its events; None for ever."""
        rows = await self._catalog.rows("find_retention", {"project_id": project_id})
        return _days(rows)

    async def runs(self, project_id: uuid.UUID, most: int, state: str = "") -> list[Run]:
        """The project's runs, the newest first."""
        values = {"project_id": project_id, "state": state, "most": most}
        rows = await self._catalog.rows("list_retention_runs", values)
        return [Run(**{name: row[name] for name in Run.__struct_fields__}) for row in rows]

    def cutoff(self, days: int) -> datetime:
        """What is older goes; refuses days that no event has (`bad_range`)."""
        now = self.now()
        if (now - datetime(1970, 1, 1, tzinfo=now.tzinfo)).days < days:
            raise Rejected(Refusal.BAD_RANGE, f"{days} days ago was before 1970: keep for ever with null")
        return now - timedelta(days=days)

    async def due(self, project_id: uuid.UUID, days: int) -> Due:
        """What would go now, with nothing dropped."""
        cutoff = self.cutoff(days)
        whole = due_rows("events", project_id, cutoff), due_rows("rejected_events", project_id, cutoff)
        piece = await self._counted(*whole)
        return Due(cutoff, piece.events.events, piece.events.rows, len(piece.hours), piece.rejected.events)

    async def enforce(self, project_id: uuid.UUID, days: int, catalog_now: datetime) -> Run | None:
        """Drop the oldest piece of what is due; the run, None where nothing was due."""
        await self._mend(project_id)
        cutoff = self.cutoff(days)
        events, rejected = await self._piece(project_id, cutoff)
        piece = await self._counted(events, rejected)
        if piece.events.rows == 0 and piece.rejected.rows == 0:
            return None
        if why := await self._objection(project_id, catalog_now):
            log.warning("retention held", project=str(project_id), detail=why)
            await self._note_daily(project_id, "held", days, cutoff, detail=why)
            return None
        if self.limits.dry_run:
            await self._note_daily(project_id, "dry_run", days, cutoff, piece)
            return None
        run = await self._note(project_id, "started", days, cutoff, piece)
        dropped = await drop_parts(self._warehouse, events, await partitions_of(self._warehouse, events), _go_on)
        for which in (events, rejected):
            await delete_rows(self._warehouse, which, _go_on, seconds=_DELETE_SECONDS)
        await note_hours(self._warehouse, project_id, piece.hours)
        await self._finish(run, dropped, await count_rows(self._warehouse, events))
        log.info("retention enforced", project=str(project_id), events=piece.events.events, parts=dropped)
        return next(done for done in await self.runs(project_id, _RUNS_SEEN) if done.id == run)

    def now(self) -> datetime:
        return to_datetime(self._clock.micros())

    async def _piece(self, project_id: uuid.UUID, cutoff: datetime) -> tuple[Rows, Rows]:
        """The oldest partitions of events that are due, and the rejected ones."""
        whole = due_rows("events", project_id, cutoff)
        oldest = list(await partitions_of(self._warehouse, whole))[: self.limits.partitions]
        return due_rows("events", project_id, cutoff, oldest), due_rows("rejected_events", project_id, cutoff)

    async def _objection(self, project_id: uuid.UUID, catalog_now: datetime) -> str:
        runs = await self.runs(project_id, _RUNS_SEEN)
        parameters = Parameters()
        sql = read_sql(_HERE, "newest", project=parameters.bind("UUID", str(project_id)))
        newest = [row[0] for row in (await self._warehouse.query(sql, parameters.values)).rows]
        seen = Seen(
            catalog_now,
            newest[0].replace(tzinfo=catalog_now.tzinfo) if newest else None,
            [run.at for run in runs if run.state != "held"],
            [run.at for run in runs if run.state == "held"],
        )
        return objection(self.now(), seen)

    async def _counted(self, events: Rows, rejected: Rows) -> Piece:
        counted = await count_rows(self._warehouse, events)
        hours = await touched_hours(self._warehouse, events) if counted.rows else []
        return Piece(hours, counted, await count_rows(self._warehouse, rejected))

    async def _note_daily(  # noqa: PLR0917 (what is noted of a run)
        self, project_id: uuid.UUID, state: str, days: int, cutoff: datetime, piece: Piece = _NOTHING, detail: str = ""
    ) -> None:
        """Note what did not happen, once a day."""
        now = self.now()
        runs = await self.runs(project_id, 1, state)
        if not any(now - timedelta(days=1) < run.at <= now for run in runs):
            await self._note(project_id, state, days, cutoff, piece, detail)

    async def _note(  # noqa: PLR0917 (what is noted of a run)
        self, project_id: uuid.UUID, state: str, days: int, cutoff: datetime, piece: Piece, detail: str = ""
    ) -> uuid.UUID:
        run_id = uuid7(self._clock.micros() // 1_000)
        values = {
            "id": run_id,
            "project_id": project_id,
            "state": state,
            "days": days,
            "cutoff": cutoff,
            "at": self.now(),
            "hours": msgspec.json.encode(piece.hours).decode() if state == "started" else "[]",
            "hour_count": len(piece.hours),
            "events": piece.events.events,
            "rows": piece.events.rows,
            "rejected": piece.rejected.rows,
            "detail": detail,
        }
        await self._catalog.rows("keep_retention_run", values)
        return run_id

    async def _mend(self, project_id: uuid.UUID) -> None:
        """Tell the ledger of the hours of runs that broke off: some of their rows may be gone."""
        values = {"project_id": project_id, "state": "started", "most": _RUNS_SEEN}
        for row in await self._catalog.rows("list_retention_runs", values):
            await note_hours(self._warehouse, project_id, msgspec.json.decode(row["hours"], type=list[int]))
            left = await count_rows(self._warehouse, due_rows("events", project_id, row["cutoff"]))
            await self._finish(row["id"], 0, left)

    async def _finish(self, run_id: uuid.UUID, dropped: int, left: Count) -> None:
        values = {"id": run_id, "at": self.now(), "dropped_parts": dropped, "left_rows": left.rows}
        await self._catalog.rows("finish_retention_run", values)


async def keep(catalog: Queries, project_id: uuid.UUID, days: int | None) -> int | None:
    """Keep the project's events for so many days from the next run on; None for ever."""
    return _days(await catalog.rows("set_retention", {"project_id": project_id, "days": days}))


def due_rows(table: Table, project_id: uuid.UUID, cutoff: datetime, partitions: list[str] | None = None) -> Rows:
    """What is due of a project in a table, in some partitions or in all."""
    parameters = Parameters()
    where = read_sql(
        _HERE,
        "due_events" if table == "events" else "due_rejected",
        project=parameters.bind("UUID", str(project_id)),
        cutoff=parameters.bind("DateTime64(6, 'UTC')", str(cutoff.replace(tzinfo=None))),
    )
    if partitions is not None:
        where += f"\n    AND _partition_id IN {parameters.bind('Array(String)', partitions)}"
    return Rows(table, where, parameters.values)


def _days(rows: list[dict[str, Any]]) -> int | None:
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
    days: int | None = rows[0]["retention_days"]
    return days


def _go_on() -> None:
    """Nobody takes a run away."""

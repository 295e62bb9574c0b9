"""What a project keeps no longer, dropped a bounded piece at a time, in an order that no crash makes a lie.

A run is noted before anybody asks who is under legal hold, and with its hours before anything goes; then rows go, then
the hour ledger is told, then the run is done. A run that broke off has its hours told to the ledger by the next one.
"""

import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from functions.retention_enforce.clocks import Seen, objection
from functions.retention_enforce.holding import Holding, hold_for
from functions.retention_enforce.plan import Plan, Scope, due_before, due_events, due_gone, due_rejected
from shared.catalog.client import Catalog
from shared.clock import Clock, to_datetime
from shared.failpoints import reach
from shared.identity import note
from shared.ids import uuid7
from shared.query.identity import Identity
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import (
    Count,
    DeletionUnfinishedError,
    Rows,
    count_rows,
    delete_rows,
    drop_parts,
    note_hours,
    partitions_of,
    touched_hours,
)

log = structlog.get_logger()

_HERE = Path(__file__).parent
_DELETE_SECONDS = 25.0
# Less than a hold waits for a run that may not have seen it (list_holds.sql).
_RUN_SECONDS = 300.0
_RUNS_SEEN = 100


class OfEvent(msgspec.Struct, frozen=True):
    """How many events of one name are due: `events` each once, `rows` with repeats."""

    event: str
    events: int
    rows: int


class Due(msgspec.Struct, frozen=True):
    """What is due now: events, each once and with repeats, the hours they are in, refused payloads.

    `held_rows` would be due and are under legal hold; `by_event` are the names with the most rows, at most 100.
    `cutoff` is that of events no rule names, null where those are kept for ever.
    """

    cutoff: datetime | None
    events: int
    rows: int
    hours: int
    rejected: int
    held_rows: int = 0
    by_event: list[OfEvent] = []


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the catalog has it: `held` because of the clock, `started`, `completed`, or only a `dry_run`.

    `days` and `cutoff` are those of events no rule names; `held_rows` were due and are under legal hold.
    """

    id: uuid.UUID
    state: str
    days: int | None
    cutoff: datetime | None
    at: datetime
    finished_at: datetime | None
    hour_count: int
    events: int
    rows: int
    rejected: int
    held_rows: int
    dropped_parts: int
    left_rows: int | None
    detail: str


class Piece(NamedTuple):
    """What goes in one run: its hours, in seconds from 1970, and how much it is."""

    hours: list[int]
    events: Count
    rejected: Count
    held_rows: int = 0

    @property
    def nothing(self) -> bool:
        return self.events.rows == 0 and self.rejected.rows == 0


_NOTHING = Piece([], Count(), Count())


class Limits(NamedTuple):
    """How much goes in one run of one project, and whether anything goes at all."""

    partitions: int
    dry_run: bool


class _Chosen(NamedTuple):
    """The conditions of one run."""

    events: Rows | None
    rejected: Rows | None


class Retention:
    """The end of what projects keep no longer."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, clock: Clock, limits: Limits) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._clock = clock
        self.limits = limits

    async def runs(self, project_id: uuid.UUID, most: int, state: str = "") -> list[Run]:
        """The project's runs, the newest first."""
        values = {"project_id": project_id, "state": state, "most": most}
        rows = await self._catalog.rows("list_retention_runs", values)
        return [Run(**{name: row[name] for name in Run.__struct_fields__}) for row in rows]

    def cutoff(self, plan: Plan) -> datetime | None:
        """What is older goes, of events no rule names; None for ever."""
        return None if plan.days is None else self.now() - timedelta(days=plan.days)

    async def due(self, project_id: uuid.UUID, plan: Plan) -> Due:
        """What would go now, with nothing dropped; refuses days that no event has (`bad_range`)."""
        plan.check(self.now())
        holding = await hold_for(self._warehouse, self._catalog, project_id, uuid7())
        scope = Scope(project_id, self.now(), holding.run)
        chosen = _chosen(plan, scope, holding)
        piece = await self._counted(plan, scope, chosen)
        found = piece.events
        by_event = [] if chosen.events is None or holding.project else await self._by_event(chosen.events)
        if holding.project:
            return Due(self.cutoff(plan), 0, 0, 0, 0, found.rows)
        hours, rejected = len(piece.hours), piece.rejected.events
        return Due(self.cutoff(plan), found.events, found.rows, hours, rejected, piece.held_rows, by_event)

    async def enforce(self, project_id: uuid.UUID, plan: Plan, catalog_now: datetime) -> Run | None:
        """Drop the oldest piece of what is due; the run, None where nothing was due or might go.

        Two at once drop the same and do no harm.
        """
        plan.check(self.now())
        await self._mend(project_id, plan)
        scope = Scope(project_id, self.now())
        if plan.for_ever or (await self._counted(plan, scope, await self._oldest(plan, scope, Holding()))).nothing:
            return None
        if why := await self._objection(project_id, catalog_now):
            log.warning("retention held", project=str(project_id), detail=why)
            await self._note_daily(project_id, "held", plan, detail=why)
            return None
        if self.limits.dry_run:
            piece = await self._counted(plan, scope, await self._oldest(plan, scope, Holding()))
            await self._note_daily(project_id, "dry_run", plan, piece)
            return None
        run = await self._note(project_id, "started", plan)
        dropped = await self._drop(plan, scope, run)
        # Whatever goes wrong before leaves the run as one that may still be under way.
        await self._catalog.rows("end_retention_run", {"id": run})
        if not dropped:
            await self._catalog.rows("forget_retention_run", {"id": run})
            return None
        return next(done for done in await self.runs(project_id, _RUNS_SEEN) if done.id == run)

    def now(self) -> datetime:
        return to_datetime(self._clock.micros())

    async def _drop(self, plan: Plan, scope: Scope, run: uuid.UUID) -> bool:
        """Drop one piece under a run that was noted; whether there was any."""
        reach("retention.after_noted")
        holding = await hold_for(self._warehouse, self._catalog, scope.project_id, run)
        if holding.project:
            log.info("retention stands still: legal hold", project=str(scope.project_id))
            return False
        scope = scope._replace(run=holding.run)
        chosen = await self._oldest(plan, scope, holding)
        piece = await self._counted(plan, scope, chosen)
        if piece.nothing:
            return False
        await self._catalog.rows("count_retention_run", {"id": run, **_counts(piece)})
        reach("retention.after_counted")
        check, dropped = _within(_RUN_SECONDS), 0
        if chosen.events is not None:
            partitions = await partitions_of(self._warehouse, chosen.events)
            dropped = await drop_parts(self._warehouse, chosen.events, partitions, check)
            reach("retention.after_parts")
        for which in (chosen.events, chosen.rejected):
            if which is not None:
                await delete_rows(self._warehouse, which, check, seconds=_DELETE_SECONDS)
        reach("retention.after_delete")
        await self._forget_traces(plan, scope, check)
        await note_hours(self._warehouse, scope.project_id, piece.hours)
        reach("retention.after_ledger")
        left = Count() if chosen.events is None else await count_rows(self._warehouse, chosen.events)
        await self._finish(run, dropped, left)
        log.info("retention enforced", project=str(scope.project_id), events=piece.events.events, parts=dropped)
        return True

    async def _forget_traces(self, plan: Plan, scope: Scope, check: Callable[[], None]) -> None:
        """What is left of people of whom no event is: links, profiles, merges; and marks of payloads that went."""
        parameters = Parameters()
        pairs = Identity(scope.project_id).pairs(parameters)
        gone = (
            due_gone(plan, scope, pairs, parameters),
            due_before("identity_merges", "gone_merges", plan.days, scope, "merges_not_held"),
        )
        changed = False
        for which in gone:
            if which is not None and await partitions_of(self._warehouse, which):
                await delete_rows(self._warehouse, which, check, seconds=_DELETE_SECONDS)
                changed = True
        if changed:
            await note(self._warehouse, scope.project_id)
        marks = due_before("rejected_replays", "gone_replays", plan.payload_days, scope)
        if marks is not None:
            await delete_rows(self._warehouse, marks, check, seconds=_DELETE_SECONDS)

    async def _oldest(self, plan: Plan, scope: Scope, holding: Holding) -> _Chosen:
        """The oldest partitions of events that are due, and the refused payloads."""
        chosen = _chosen(plan, scope, holding)
        if chosen.events is None:
            return chosen
        oldest = list(await partitions_of(self._warehouse, chosen.events))[: self.limits.partitions]
        return chosen._replace(events=due_events(plan, scope, oldest))

    async def _counted(self, plan: Plan, scope: Scope, chosen: _Chosen) -> Piece:
        events = Count() if chosen.events is None else await count_rows(self._warehouse, chosen.events)
        hours = await touched_hours(self._warehouse, chosen.events) if chosen.events and events.rows else []
        rejected = Count() if chosen.rejected is None else await count_rows(self._warehouse, chosen.rejected)
        held = 0
        if scope.run is not None:
            whole, kept = due_events(plan, scope._replace(run=None)), due_events(plan, scope)
            if whole is not None and kept is not None:
                everything = (await count_rows(self._warehouse, whole)).rows
                held = everything - (await count_rows(self._warehouse, kept)).rows
        return Piece(hours, events, rejected, max(held, 0))

    async def _by_event(self, which: Rows) -> list[OfEvent]:
        sql = read_sql(_HERE, "by_event", where=which.where)
        return [OfEvent(*row) for row in (await self._warehouse.query(sql, which.values)).rows]

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

    async def _note_daily(
        self, project_id: uuid.UUID, state: str, plan: Plan, piece: Piece = _NOTHING, detail: str = ""
    ) -> None:
        """Note what did not happen, once a day."""
        now = self.now()
        runs = await self.runs(project_id, 1, state)
        if not any(now - timedelta(days=1) < run.at <= now for run in runs):
            await self._note(project_id, state, plan, piece, detail)

    async def _note(
        self, project_id: uuid.UUID, state: str, plan: Plan, piece: Piece = _NOTHING, detail: str = ""
    ) -> uuid.UUID:
        run_id = uuid7(self._clock.micros() // 1_000)
        values = {
            "id": run_id,
            "project_id": project_id,
            "state": state,
            "days": plan.days,
            "cutoff": self.cutoff(plan),
            "plan": msgspec.json.encode(plan).decode(),
            "at": self.now(),
            **_counts(piece),
            "hours": "[]",
            "detail": detail,
        }
        await self._catalog.rows("keep_retention_run", values)
        return run_id

    async def _mend(self, project_id: uuid.UUID, plan: Plan) -> None:
        """Tell the ledgers of the hours of runs that broke off: some of their rows may be gone."""
        values = {"project_id": project_id, "state": "started", "most": _RUNS_SEEN}
        for row in await self._catalog.rows("list_retention_runs", values):
            await note_hours(self._warehouse, project_id, msgspec.json.decode(row["hours"], type=list[int]))
            await note(self._warehouse, project_id)
            was = msgspec.json.decode(row["plan"], type=Plan) if row["plan"] != "{}" else plan
            holding = await hold_for(self._warehouse, self._catalog, project_id, uuid7())
            which = due_events(was, Scope(project_id, row["at"], holding.run))
            left = Count() if which is None else await count_rows(self._warehouse, which)
            await self._finish(row["id"], 0, left)

    async def _finish(self, run_id: uuid.UUID, dropped: int, left: Count) -> None:
        values = {"id": run_id, "at": self.now(), "dropped_parts": dropped, "left_rows": left.rows}
        await self._catalog.rows("finish_retention_run", values)


def _chosen(plan: Plan, scope: Scope, holding: Holding) -> _Chosen:
    return _Chosen(due_events(plan, scope), due_rejected(plan, scope, holding.ids))


def _counts(piece: Piece) -> dict[str, object]:
    return {
        "hours": msgspec.json.encode(piece.hours).decode(),
        "hour_count": len(piece.hours),
        "events": piece.events.events,
        "rows": piece.events.rows,
        "rejected": piece.rejected.rows,
        "held_rows": piece.held_rows,
    }


def _within(seconds: float) -> Callable[[], None]:
    """A check that ends a run before anybody may take it for dead."""
    deadline = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > deadline:
            raise DeletionUnfinishedError(f"a run of retention goes on for {seconds} seconds at most")

    return check

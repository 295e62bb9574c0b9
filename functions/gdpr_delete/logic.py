"""An erasure as a job: from a checkpoint, in an order that no crash turns into a half-erased person called erased.

First the people are noted as erased, then the hours of their events are written to the job, then the rows are deleted
by what no repeat escapes, then the hour ledger is told. That is repeated until a look, made after every write that was
under way at the beginning must have ended, finds nobody. Only then the job is completed, with the counts of that look.
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec
import structlog

from functions.gdpr_delete.asked import Kept
from functions.gdpr_delete.stores import events_of, identity_of, rejected_of
from shared.catalog.client import Catalog
from shared.catalog.people import keep_erased, person_hash, person_key
from shared.clock import Clock, to_datetime, to_micros
from shared.failpoints import reach
from shared.identity import note
from shared.jobs import Job, Jobs
from shared.jobs.worker import Lease
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import Count, Rows, count_rows, delete_rows, note_hours, partitions_of, touched_hours

log = structlog.get_logger()

KIND = "erasure"
EXPORT = "export"
_MOST_EXPORTS = 1_000
_WAIT_SECONDS = 0.5
_HOUR_SECONDS = 3_600


class Checkpoint(msgspec.Struct):
    """How far an erasure is.

    `pending`: rows were counted and are being deleted; their `hours` (seconds from 1970) are not in the ledger yet.
    """

    pending: bool = False
    hours: list[int] = []
    touched: list[int] = []
    found: Count = Count()
    rejected: int = 0
    passes: int = 0


class Held(msgspec.Struct, frozen=True):
    """An export made earlier that may hold the person: its range and the hours of the erased events overlap."""

    id: uuid.UUID
    finished_at: datetime | None
    rows: int
    files: int
    destination: str


class Result(msgspec.Struct, frozen=True):
    """What was erased and what is left, by the counts of `verified_at`; `left` is zero or the job is not completed.

    `events` of a count is each event once, `rows` with all its repeats, as the warehouse keeps some for a while.
    """

    people: int
    found: Count
    left: Count
    rejected: int
    rejected_left: int
    hours: int
    passes: int
    verified_at: datetime
    exports: list[Held]


class Limits(NamedTuple):
    """For how many seconds one event is worked on, and after how many a write that was under way must have ended."""

    slice_seconds: float
    settle_seconds: float


class _Look(NamedTuple):
    found: Count
    hours: set[int]
    rejected: list[Rows]
    rejected_rows: int
    identity: list[Rows]
    identity_rows: int

    @property
    def nobody(self) -> bool:
        return self.found.rows == 0 and self.rejected_rows == 0 and self.identity_rows == 0


class Eraser:
    """The work of erasure jobs."""

    def __init__(
        self, warehouse: Warehouse, catalog: Catalog, exports: Jobs, threads: Executor, clock: Clock, *, limits: Limits
    ) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._exports = exports
        self._threads = threads
        self._clock = clock
        self._limits = limits

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Look and delete until nobody is found, or the time of one event is over."""
        people = await self._people(job)
        events = events_of(job.project_id, people)
        state = msgspec.json.decode(job.checkpoint, type=Checkpoint) if job.checkpoint else Checkpoint()
        until = self._clock.monotonic() + self._limits.slice_seconds
        while True:
            settled = self._settled(job)  # before the look: what it finds is then the last there can be
            look = await self._look(job, people, events, lease)
            if not look.nobody or state.pending:
                await self._pass(job, state, look, events, lease)
            elif settled:
                return await self._result(job, state, look)
            while not self._settled(job) and self._clock.monotonic() < until:
                await asyncio.sleep(_WAIT_SECONDS)
                lease.check()
            if self._clock.monotonic() >= until:
                # To have waited is progress: it does not use the attempts up.
                await lease.save(msgspec.json.encode(state), 0.5)
                return None

    async def clean(self, job: Job) -> None:
        """What is erased stays erased; there is nothing to take back."""

    async def forget(self, job: Job) -> None:
        """Forget whom a finished job was about: from now on only hashes say it."""
        await self._catalog.rows("forget_erasure_subjects", {"project_id": job.project_id, "job_key": job.key})

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says; no person is named in it."""
        result = msgspec.json.decode(job.result, type=Result) if job.result else None
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "state": job.state,
            "people": msgspec.json.decode(job.request, type=Kept).people,
            "events": result.found.events if result else None,
            "rejected": result.rejected if result else None,
            "hours": result.hours if result else None,
            "exports": len(result.exports) if result else None,
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
        }

    async def _people(self, job: Job) -> list[str]:
        """Whom the job is about, noted as erased before anything is deleted."""
        rows = await self._catalog.rows("find_erasure_subjects", {"project_id": job.project_id, "job_key": job.key})
        key = await person_key(self._catalog, job.project_id)
        if not rows or key is None:
            raise Rejected(Refusal.NOT_FOUND, "whom this erasure is about is not known any more; ask for it again")
        people = msgspec.json.decode(rows[0]["people"], type=list[str])
        await keep_erased(self._catalog, job.project_id, job.id, [person_hash(key, one) for one in people])
        reach("erasure.after_noted")
        return people

    async def _look(self, job: Job, people: Sequence[str], events: Sequence[Rows], lease: Lease) -> _Look:
        found, hours = Count(), set[int]()
        for which in events:
            lease.check()
            counted = await count_rows(self._warehouse, which)
            if counted.rows:
                found += counted
                hours.update(await touched_hours(self._warehouse, which))
        rejected = await self._in_thread(partial(rejected_of, self._warehouse, job.project_id, people, lease.check))
        rows = [(await count_rows(self._warehouse, which)).rows for which in rejected]
        identity = identity_of(job.project_id, people)
        said = [sum((await partitions_of(self._warehouse, which)).values()) for which in identity]
        return _Look(found, hours, rejected, sum(rows), identity, sum(said))

    async def _pass(self, job: Job, state: Checkpoint, look: _Look, events: Sequence[Rows], lease: Lease) -> None:
        """Delete what a look found. Whoever goes on after a crash does not count what it counted again."""
        if not state.pending:
            state.found += look.found
            state.rejected += look.rejected_rows
        state.pending = True
        state.hours = sorted(look.hours.union(state.hours))
        state.touched = sorted(look.hours.union(state.touched))
        await lease.save(msgspec.json.encode(state), 0.1)
        reach("erasure.after_checkpoint")
        for which in (*events, *look.rejected, *look.identity):
            await delete_rows(self._warehouse, which, lease.check)
        reach("erasure.after_delete")
        await note_hours(self._warehouse, job.project_id, state.hours)
        await note(self._warehouse, job.project_id)
        reach("erasure.after_ledger")
        state.pending, state.hours, state.passes = False, [], state.passes + 1
        await lease.save(msgspec.json.encode(state), 0.5)
        log.info("erasure pass", job=str(job.id), passes=state.passes, events=state.found.events)

    def _settled(self, job: Job) -> bool:
        """Whether every write that was under way when the job began has ended or is going to be delivered again."""
        begun = to_micros(job.started_at or job.created_at)
        return self._clock.micros() - begun >= self._limits.settle_seconds * 1_000_000

    async def _result(self, job: Job, state: Checkpoint, look: _Look) -> bytes:
        result = Result(
            people=msgspec.json.decode(job.request, type=Kept).people,
            found=state.found,
            left=look.found,
            rejected=state.rejected,
            rejected_left=look.rejected_rows,
            hours=len(state.touched),
            passes=state.passes,
            verified_at=to_datetime(self._clock.micros()),
            exports=await self._held(job, state.touched),
        )
        return msgspec.json.encode(result)

    async def _held(self, job: Job, touched: Sequence[int]) -> list[Held]:
        """The exports that were finished before and whose range has one of the hours."""
        found: list[Held] = []
        before: uuid.UUID | None = None
        while touched and len(found) < _MOST_EXPORTS:
            page = await self._exports.page(job.project_id, "completed", before, 100)
            found += [held for one in page if (held := _held(one, touched)) is not None]
            if len(page) < 100:  # noqa: PLR2004 (the page's own size)
                break
            before = page[-1].id
        return found[:_MOST_EXPORTS]

    async def _in_thread(self, work: Callable[[], list[Rows]]) -> list[Rows]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class _Asked(msgspec.Struct, rename={"start": "from", "end": "to"}):
    start: datetime
    end: datetime
    destination: str = ""


class _Made(msgspec.Struct):
    rows: int
    files: list[msgspec.Raw]


def _held(job: Job, touched: Sequence[int]) -> Held | None:
    """What an export may hold of the hours; None where it has no rows or files, or its range none of them."""
    if job.expired_at is not None or not job.result:
        return None
    asked = msgspec.json.decode(job.request, type=_Asked)
    start, end = asked.start.timestamp() - _HOUR_SECONDS, asked.end.timestamp()
    if not any(start < hour < end for hour in touched):
        return None
    made = msgspec.json.decode(job.result, type=_Made)
    if made.rows == 0:
        return None
    return Held(job.id, job.finished_at, made.rows, len(made.files), asked.destination)

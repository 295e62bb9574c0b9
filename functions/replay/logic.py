"""A replay as a job: refused events, oldest first, edited, taken by ingest, marked; page after page.

Events get the same ids, times and keys however often they are replayed, so a page that was taken and not marked, by a
worker that died in between, is taken once more and changes nothing. A mark comes after what it tells of is durable.
"""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec
import structlog

from functions.replay.asked import ReplayJob
from functions.replay.edits import edited
from functions.replay.stored import Refused, refused_of
from shared.clock import Clock, to_datetime
from shared.failpoints import reach
from shared.jobs import Job
from shared.jobs.worker import Lease
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected
from shared.replaying import MOST_BYTES, Item, Outcome
from shared.warehouse.client import Warehouse

log = structlog.get_logger()

KIND = "replay"
STORED = "stored"
_PAGE = 100
_SAMPLES = 10
_SHOWN = 4_000
_HERE = Path(__file__).parent
_MOMENT = "DateTime64(6, 'UTC')"


class Ingests(Protocol):
    """What is needed of ingest."""

    async def ask(self, project_id: uuid.UUID, items: Sequence[Item], *, dry_run: bool) -> list[Outcome]: ...


class Key(NamedTuple):
    """Behind which row a page begins."""

    received_at: int
    batch_id: str
    position: Annotated[int, msgspec.Meta(ge=0)]


class Sample(msgspec.Struct, frozen=True):
    """One refused event before and after the edits; `event` as it would be stored, null where it is refused again."""

    batch_id: str
    position: int
    before: str
    after: str
    event: dict[str, Any] | None
    reason: str | None
    detail: str


class Result(msgspec.Struct):
    """What became of the refused events.

    `seen` of `waiting` were looked at; `passed` were taken whole (`events` in all), `refused` were not, by `reasons`;
    `unusable` are no longer all there. A dry run takes nothing and says what would be, with samples, which are
    forgotten after twelve hours: they hold what people sent.
    """

    dry_run: bool
    waiting: int
    seen: int = 0
    passed: int = 0
    refused: int = 0
    unusable: int = 0
    events: int = 0
    reasons: dict[str, int] = {}
    samples: list[Sample] = []


class Checkpoint(msgspec.Struct):
    """How far a job is."""

    result: Result
    after: Key | None = None


class _Judged(NamedTuple):
    """A refused event with what was sent in its place, and what became of that."""

    row: Refused
    sent: bytes
    outcome: Outcome


class Replayer:
    """The work of such jobs."""

    def __init__(self, warehouse: Warehouse, ingest: Ingests, clock: Clock, slice_seconds: float) -> None:
        self._warehouse = warehouse
        self._ingest = ingest
        self._clock = clock
        self._slice_seconds = slice_seconds

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Replay pages until there is none or the time of one event is over."""
        asked = msgspec.json.decode(job.request, type=ReplayJob)
        state = await self._begun(job, asked)
        until = self._clock.monotonic() + self._slice_seconds
        while page := await self._page(job, asked, state.after):
            lease.check()
            judged = await self._judged(job, asked, page)
            reach("replay.after_taken")
            if not asked.dry_run:
                await self._mark(job, judged)
                reach("replay.after_marked")
            _note(state.result, judged, len(page))
            last = page[-1]
            state.after = Key(last.received_at, last.batch_id, last.position)
            await lease.save(msgspec.json.encode(state), _progress(state.result))
            if self._clock.monotonic() >= until:
                return None
        log.info("replayed", job=str(job.id), seen=state.result.seen, passed=state.result.passed)
        return msgspec.json.encode(state.result)

    async def clean(self, job: Job) -> None:
        """What was taken stays, and is marked; there is nothing to take back."""

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says."""
        result = msgspec.json.decode(job.result, type=Result) if job.result else None
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "state": job.state,
            "dry_run": msgspec.json.decode(job.request, type=ReplayJob).dry_run,
            "passed": result.passed if result else None,
            "refused": result.refused if result else None,
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
        }

    async def _begun(self, job: Job, asked: ReplayJob) -> Checkpoint:
        if job.checkpoint:
            return msgspec.json.decode(job.checkpoint, type=Checkpoint)
        parameters = Parameters()
        sql = read_sql(_HERE, "number", **_which(job, asked, parameters))
        waiting = int((await self._warehouse.query(sql, parameters.values)).value)
        return Checkpoint(Result(asked.dry_run, waiting))

    async def _page(self, job: Job, asked: ReplayJob, after: Key | None) -> list[Refused]:
        parameters = Parameters()
        which = _which(job, asked, parameters)
        most = parameters.bind("UInt32", _PAGE)
        sql = read_sql(_HERE, "waiting", **which, after=_after(after, parameters), most=most)
        return [refused_of(row) for row in (await self._warehouse.query(sql, parameters.values)).rows]

    async def _judged(self, job: Job, asked: ReplayJob, page: Sequence[Refused]) -> list[_Judged]:
        """What ingest says of the page's events; what cannot be edited it is not asked."""
        found: list[_Judged] = []
        waiting: list[tuple[Refused, bytes]] = []
        size = 0
        for row in page:
            if row.raw is None:
                continue
            try:
                sent = edited(row.raw, asked.edits)
            except Rejected as rejected:
                found.append(_Judged(row, row.raw, Outcome(0, 1, rejected.refusal, rejected.detail)))
                continue
            if waiting and size + len(sent) > MOST_BYTES // 2:
                found += await self._ask(job, asked, waiting)
                waiting, size = [], 0
            waiting.append((row, sent))
            size += len(sent)
        return found + (await self._ask(job, asked, waiting) if waiting else [])

    async def _ask(self, job: Job, asked: ReplayJob, waiting: Sequence[tuple[Refused, bytes]]) -> list[_Judged]:
        items = [Item(row.name, row.received_at, sent) for row, sent in waiting]
        outcomes = await self._ingest.ask(job.project_id, items, dry_run=asked.dry_run)
        return [_Judged(row, sent, outcome) for (row, sent), outcome in zip(waiting, outcomes, strict=True)]

    async def _mark(self, job: Job, judged: Sequence[_Judged]) -> None:
        """Note beside each refused event what became of it."""
        now = str(to_datetime(self._clock.micros()).replace(tzinfo=None))
        rows = [
            {
                "project_id": str(job.project_id),
                "batch_id": one.row.batch_id,
                "position": one.row.position,
                "received_at": str(to_datetime(one.row.received_at).replace(tzinfo=None)),
                "replay_id": str(job.id),
                "replayed_at": now,
                "outcome": one.outcome.reason or STORED,
            }
            for one in judged
        ]
        if rows:
            await self._warehouse.insert_json_lines("rejected_replays", msgspec.json.Encoder().encode_lines(rows))


def _which(job: Job, asked: ReplayJob, parameters: Parameters) -> dict[str, str]:
    # What this very job has marked it still looks at, or its pages would not stand still.
    begun = str(job.created_at.replace(tzinfo=None))
    return {
        "scope": asked.scope(job.project_id, parameters),
        "project": parameters.bind("UUID", str(job.project_id)),
        "begun": parameters.bind(_MOMENT, begun),
    }


def _after(key: Key | None, parameters: Parameters) -> str:
    if key is None:
        return "true"
    bound = [
        parameters.bind(_MOMENT, str(to_datetime(key.received_at).replace(tzinfo=None))),
        parameters.bind("UUID", key.batch_id),
        parameters.bind("UInt32", key.position),
    ]
    return f"(received_at, batch_id, position) > ({', '.join(bound)})"


def _note(result: Result, judged: Sequence[_Judged], seen: int) -> None:
    result.seen += seen
    result.unusable += seen - len(judged)
    for one in judged:
        result.events += one.outcome.taken
        if one.outcome.reason:
            result.refused += 1
            result.reasons[one.outcome.reason] = result.reasons.get(one.outcome.reason, 0) + 1
        else:
            result.passed += 1
        if result.dry_run and len(result.samples) < _SAMPLES:
            result.samples.append(_sample(one))


def _sample(one: _Judged) -> Sample:
    before, after = (text[:_SHOWN].decode(errors="replace") for text in (one.row.raw or b"", one.sent))
    outcome = one.outcome
    reason = Refusal(outcome.reason) if outcome.reason else None
    return Sample(one.row.batch_id, one.row.position, before, after, outcome.event, reason, outcome.detail)


def _progress(result: Result) -> float:
    return min(round(result.seen / (result.waiting + 1), 4), 0.99)

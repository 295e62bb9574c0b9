"""Jobs: what an HTTP request asks for, a row remembers, an event starts and a function does.

The row comes first and holds the truth; the event `dev.sluice.<kind>.requested.v1` on the bus topic `control` only says
that there is something to do. It may come late, twice or never: a lease lets one worker at a time go on from the last
checkpoint, and what nobody works on is asked for again (`sweep`).
"""

import operator
import uuid
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from shared.bus import Bus, Message
from shared.catalog.client import Catalog, Row
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.config import setting
from shared.events import CONTROL_TOPIC
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected

State = Literal["queued", "running", "completed", "failed", "cancelled"]
UNFINISHED: frozenset[State] = frozenset({"queued", "running"})
LEASE_SECONDS = 30.0
# An unfinished job that nobody holds is asked for again after so long.
STALLED_SECONDS = 60.0
_SWEPT_AT_ONCE = 100


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """What every function with jobs asks for."""

    lease: float = setting(
        "SLUICE_JOB_LEASE_SECONDS",
        "After how long another worker takes over the job of one that died.",
        default=LEASE_SECONDS,
    )


class Job(msgspec.Struct, frozen=True):
    """A row of the catalog's `jobs`; `request`, `checkpoint` and `result` are JSON texts.

    `progress` goes from 0 to 1. `step` counts the events the job took, `attempts` the tries since its last progress.
    `expired_at`: since when what it made is gone.
    """

    id: uuid.UUID
    project_id: uuid.UUID
    kind: str
    key: str
    state: State
    progress: float
    step: int
    attempts: int
    request: str
    checkpoint: str | None
    result: str | None
    error_code: str | None
    error_detail: str | None
    announced: bool
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    finished_at: datetime | None
    expired_at: datetime | None = None

    @property
    def finished(self) -> bool:
        return self.state not in UNFINISHED


class Asked(msgspec.Struct, frozen=True):
    """The data of a job's event."""

    job_id: uuid.UUID
    project_id: uuid.UUID
    step: int = 0


def requested_type(kind: str) -> str:
    """The type of the event that starts a job, or lets it go on."""
    return f"dev.sluice.{kind}.requested.v1"


def completed_type(kind: str) -> str:
    """The type of the event that tells of a finished job: `state` in its data is completed or failed."""
    return f"dev.sluice.{kind}.completed.v1"


class Jobs:
    """The jobs of one kind. Every call raises CatalogUnavailableError where the catalog is away.

    `cancels` are the states in which a job can be cancelled. `ended` is called for every finished job before that is
    told of, around a crash twice; what it raises lets the event of the job come again.
    """

    def __init__(
        self,
        catalog: Catalog,
        bus: Bus,
        kind: str,
        *,
        lease_seconds: float = LEASE_SECONDS,
        cancels: Collection[State] = UNFINISHED,
        ended: "Callable[[Job], Awaitable[None]] | None" = None,
    ) -> None:
        self.kind = kind
        self.lease_seconds = lease_seconds
        self._catalog = catalog
        self._bus = bus
        self._cancels = sorted(cancels)
        self._ended = ended

    async def create(
        self,
        project_id: uuid.UUID,
        key: str,
        request: bytes,
        same: Callable[[bytes, bytes], bool] = operator.eq,
        *,
        asked_by: str = "",
    ) -> tuple[Job, bool]:
        """The job with this key, made if need be, and whether it was.

        `asked_by`: `user:`, `key:` or `schedule:` with an id; empty where Sluice asks itself. Refuses a
        key that belongs to another request (`idempotency_key_reused`): `same` says whether the one that was kept and
        this one are the same.
        """
        values = {
            "id": uuid7(),
            "project_id": project_id,
            "key": key,
            "request": request.decode(),
            "asked_by": asked_by,
        }
        [row] = await self._rows("create_job", values)
        made = bool(row.pop("made"))
        job = Job(**row)
        if not made and not same(job.request.encode(), request):
            raise Rejected(Refusal.IDEMPOTENCY_KEY_REUSED, f"it belongs to job {job.id}")
        return job, made

    async def find(self, job_id: uuid.UUID, project_id: uuid.UUID | None = None) -> Job | None:
        """The job of that id, of any project or only of this one."""
        return _one(await self._rows("find_job", {"id": job_id, "project_id": project_id}))

    async def page(self, project_id: uuid.UUID, state: str, before: uuid.UUID | None, most: int) -> list[Job]:
        """A project's jobs, the newest first, at most so many of those made before that id."""
        values = {"project_id": project_id, "state": state, "before": before, "most": most}
        return [Job(**row) for row in await self._rows("list_jobs", values)]

    async def cancel(self, job_id: uuid.UUID, project_id: uuid.UUID) -> Job | None:
        """Cancel a job; its worker stops at its next step. None where there is nothing left to cancel."""
        values = {"id": job_id, "project_id": project_id, "states": self._cancels}
        return _one(await self._rows("cancel_job", values))

    async def claim(self, job_id: uuid.UUID, step: int, lease: uuid.UUID) -> Job | None:
        """The job, held with this lease from now on; None where it cannot be had."""
        values = {"id": job_id, "step": step, "lease": lease, "seconds": self.lease_seconds}
        return _one(await self._rows("claim_job", values))

    async def renew(self, job_id: uuid.UUID, lease: uuid.UUID) -> bool:
        """Hold it for longer; False where it is not ours any more."""
        return bool(await self._rows("renew_job", {"id": job_id, "lease": lease, "seconds": self.lease_seconds}))

    async def save(self, job_id: uuid.UUID, lease: uuid.UUID, checkpoint: bytes, progress: float) -> bool:
        """Note how far it is; False where it is not ours any more."""
        values = {"id": job_id, "lease": lease, "seconds": self.lease_seconds}
        return bool(await self._rows("save_job", {**values, "checkpoint": checkpoint.decode(), "progress": progress}))

    async def release(
        self, job: Job, lease: uuid.UUID, *, step: int, forgiven: int = 0, code: str | None = None, detail: str = ""
    ) -> None:
        """Let go of it, not finished; with what is wrong where something is."""
        values = {"id": job.id, "lease": lease, "step": step, "forgiven": forgiven}
        await self._rows("release_job", {**values, "error_code": code, "error_detail": _shown(detail) or None})

    async def finish(
        self, job: Job, lease: uuid.UUID, state: State, *, result: bytes | None = None, code: str = "", detail: str = ""
    ) -> Job | None:
        """End it; None where it is not ours any more."""
        values = {"id": job.id, "lease": lease, "state": state, "result": result.decode() if result else None}
        more = {"progress": 1.0 if state == "completed" else None, "error_code": code or None}
        return _one(await self._rows("finish_job", {**values, **more, "error_detail": _shown(detail) or None}))

    async def request(self, job: Job, step: int | None = None, traceparent: str = "") -> None:
        """Publish the event that lets a worker take the job; raises BusUnavailableError."""
        asked = Asked(job.id, job.project_id, job.step if step is None else step)
        message = _message(job, requested_type(self.kind), f"{job.id}:{asked.step}", asked, traceparent)
        await self._bus.publish(CONTROL_TOPIC, [message])

    async def announce(self, job: Job, data: object) -> None:
        """Tell of a finished job, once or, around a crash, twice under the same event id."""
        if self._ended is not None:
            await self._ended(job)
        if job.state != "cancelled":
            message = _message(job, completed_type(self.kind), f"{job.id}:{job.state}", data, "")
            await self._bus.publish(CONTROL_TOPIC, [message])
        await self._rows("announce_job", {"id": job.id})

    async def sweep(self, stalled_seconds: float = STALLED_SECONDS) -> int:
        """Ask again for what nobody works on; returns how many those were."""
        values = {"seconds": stalled_seconds, "most": _SWEPT_AT_ONCE}
        found = [Job(**row) for row in await self._rows("stalled_jobs", values)]
        for job in found:
            await self.request(job)
        return len(found)

    async def _rows(self, query: str, values: Row) -> list[Row]:
        return await self._catalog.rows(query, {"kind": self.kind, **values})


def _one(rows: list[Row]) -> Job | None:
    return Job(**rows[0]) if rows else None


def _shown(detail: str) -> str:
    return detail[:2_000].replace("\0", " ")


def _message(job: Job, event_type: str, event_id: str, data: object, traceparent: str) -> Message:
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/sluice/{job.kind}",
        "type": event_type,
        "time": to_datetime(SYSTEM_CLOCK.micros()).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "project": str(job.project_id),
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    return Message(attributes, msgspec.json.encode(data))

"""Retention when somebody asks for it: piece after piece until nothing is due, or only what would go."""

from typing import Any

import msgspec

from functions.retention_enforce.logic import Due, Retention
from functions.retention_enforce.plan import plan_of
from functions.retention_enforce.telling import tell
from shared.bus import Bus
from shared.catalog.client import Catalog
from shared.clock import Clock
from shared.jobs import Job
from shared.jobs.worker import Lease

KIND = "retention"
RUNS = "/api/v1/retention/runs"


class RunRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Drop what is due now, or with `dry_run` only say what that is."""

    dry_run: bool = False


class Dropped(msgspec.Struct):
    """What went in all runs of a job; `left` is what is still due: null where nothing is, or with why it may not go."""

    dry_run: bool = False
    runs: int = 0
    events: int = 0
    rows: int = 0
    rejected: int = 0
    dropped_parts: int = 0
    held_rows: int = 0
    due: Due | None = None


class Enforcing:
    """The work of such jobs."""

    def __init__(self, retention: Retention, catalog: Catalog, bus: Bus, clock: Clock, slice_seconds: float) -> None:
        self._retention = retention
        self._catalog = catalog
        self._bus = bus
        self._clock = clock
        self._slice_seconds = slice_seconds

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Drop piece after piece; another event goes on where the time of one is over."""
        asked = msgspec.json.decode(job.request, type=RunRequest)
        state = msgspec.json.decode(job.checkpoint, type=Dropped) if job.checkpoint else Dropped(asked.dry_run)
        until = self._clock.monotonic() + self._slice_seconds
        while not asked.dry_run:
            [clock] = await self._catalog.rows("catalog_clock")
            plan = await plan_of(self._catalog, job.project_id)
            run = await self._retention.enforce(job.project_id, plan, clock["now"])
            if run is None:
                break
            state.runs += 1
            state.events += run.events
            state.rows += run.rows
            state.rejected += run.rejected
            state.dropped_parts += run.dropped_parts
            state.held_rows = run.held_rows
            await lease.save(msgspec.json.encode(state), 0.5)
            await tell(self._bus, job.project_id, run)
            if self._clock.monotonic() >= until:
                return None
        plan = await plan_of(self._catalog, job.project_id)
        state.due = None if plan.for_ever else await self._retention.due(job.project_id, plan)
        return msgspec.json.encode(state)

    async def clean(self, job: Job) -> None:
        """What is dropped stays dropped; there is nothing to take back."""

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says."""
        result = msgspec.json.decode(job.result, type=Dropped) if job.result else None
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "state": job.state,
            "dry_run": msgspec.json.decode(job.request, type=RunRequest).dry_run,
            "events": result.events if result else None,
            "rejected": result.rejected if result else None,
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
        }

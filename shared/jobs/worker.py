"""One event of a job: take the job, work on it for a while, let it go on or end.

What is worked on at once is bounded and so is the time of one event, as whoever delivers it waits for the answer; a job
that needs longer asks for its own next step. A worker that dies keeps its lease until that runs out, then the same
event, which nobody answered, is taken by another.
"""

import asyncio
import contextlib
import threading
import uuid
from collections.abc import AsyncIterator
from typing import Protocol

import msgspec
import structlog

from shared.bus import Message
from shared.catalog.client import CatalogUnavailableError
from shared.ids import uuid7
from shared.jobs import Asked, Job, Jobs
from shared.refusals import Refusal, Rejected, UnavailableError

log = structlog.get_logger()

MOST_ATTEMPTS = 5
_RENEWALS = 3


class LeaseLostError(Exception):
    """The job is not ours any more: cancelled, or another worker's."""


class Lease:
    """A job held by this worker; `lost` may be looked at from any thread."""

    def __init__(self, jobs: Jobs, job: Job, token: uuid.UUID) -> None:
        self.job = job
        self.token = token
        self._jobs = jobs
        self._lost = threading.Event()

    @property
    def lost(self) -> bool:
        return self._lost.is_set()

    def check(self) -> None:
        """Raise LeaseLostError where the job is not ours any more."""
        if self.lost:
            raise LeaseLostError

    async def save(self, checkpoint: bytes, progress: float) -> None:
        """Note how far the job is: whoever goes on begins here. Raises LeaseLostError."""
        if not await self._jobs.save(self.job.id, self.token, checkpoint, progress):
            self._lost.set()
        self.check()

    @contextlib.asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Hold on to the job until the end of the block."""
        task = asyncio.create_task(self._keep(), name=f"lease-{self.job.id}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._jobs.lease_seconds
        while loop.time() < until:
            await asyncio.sleep(self._jobs.lease_seconds / _RENEWALS)
            asked_at = loop.time()
            try:
                if not await self._jobs.renew(self.job.id, self.token):
                    break
                until = asked_at + self._jobs.lease_seconds
            except CatalogUnavailableError as error:
                log.warning("lease not renewed", job=str(self.job.id), detail=str(error))
        self._lost.set()


class Work(Protocol):
    """What a kind of job does."""

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Work on the job from its checkpoint; the JSON of its result, or None to go on with another event.

        Rejected ends the job as failed, UnavailableError lets it be tried again, however often.
        """
        ...

    async def clean(self, job: Job) -> None:
        """Remove what a job that was cancelled or has failed had written."""
        ...

    def told(self, job: Job) -> object:
        """The data of the event that tells of the finished job."""
        ...


async def handle(message: Message, jobs: Jobs, work: Work) -> None:
    """Do what an event of a job asks for; returns where the event is done with.

    Refuses an event that is none of a job (`not_a_cloudevent`) and, for a while, one of a job that another worker holds
    (`overloaded`). Raises UnavailableError where it must come again.
    """
    try:
        asked = msgspec.json.decode(message.data, type=Asked)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Rejected(Refusal.NOT_A_CLOUDEVENT, f"not an event of a job: {error}") from error
    token = uuid7()
    job = await jobs.claim(asked.job_id, asked.step, token)
    if job is None:
        await _not_taken(asked, jobs, work)
        return
    lease = Lease(jobs, job, token)
    log.info("job taken", job=str(job.id), step=job.step, attempt=job.attempts)
    async with lease.kept():
        try:
            ended = await _worked(job, lease, jobs, work)
        except LeaseLostError:
            ended = await jobs.find(job.id)
            if ended is not None and not ended.finished:
                raise UnavailableError("the job's lease ran out") from None
    if ended is not None:
        await _end(ended, jobs, work)


async def _worked(job: Job, lease: Lease, jobs: Jobs, work: Work) -> Job | None:
    """The job where this ended it."""
    if job.attempts > MOST_ATTEMPTS:
        detail = f"given up after {MOST_ATTEMPTS} attempts without progress"
        return await jobs.finish(job, lease.token, "failed", code=Refusal.INTERNAL, detail=detail)
    try:
        result = await work.step(job, lease)
    except Rejected as rejected:
        return await jobs.finish(job, lease.token, "failed", code=rejected.refusal, detail=rejected.detail)
    except UnavailableError as error:
        await jobs.release(job, lease.token, step=job.step, forgiven=1, code=Refusal.UNAVAILABLE, detail=str(error))
        raise
    except LeaseLostError:
        raise
    except Exception:
        # The next attempt may be another worker's; the reason is in the log, and the last attempt ends the job.
        await jobs.release(job, lease.token, step=job.step, code=Refusal.INTERNAL)
        raise
    if result is not None:
        return await jobs.finish(job, lease.token, "completed", result=result)
    # First the event: a crash before the release repeats this step's event, and two of them do no harm.
    await jobs.request(job, job.step + 1)
    await jobs.release(job, lease.token, step=job.step + 1)
    return None


async def _not_taken(asked: Asked, jobs: Jobs, work: Work) -> None:
    """The job is finished, gone, further on, or another worker's, who may die: only then the event must come again."""
    job = await jobs.find(asked.job_id)
    if job is None:
        log.info("no such job", job=str(asked.job_id))
    elif job.finished:
        await _end(job, jobs, work)
    elif job.step <= asked.step:
        raise Rejected(Refusal.OVERLOADED, "another worker has the job; asked again, it is taken when that one ends")


async def _end(job: Job, jobs: Jobs, work: Work) -> None:
    """What remains to do for a finished job; may be repeated."""
    if not job.announced:
        if job.state != "completed":
            await work.clean(job)
        await jobs.announce(job, work.told(job))
        log.info("job finished", job=str(job.id), state=job.state, code=job.error_code)

"""Jobs on the real catalog: one worker at a time, nothing forgotten, nothing done twice."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import pytest

from shared.bus import BusUnavailableError, Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.events import CONTROL_TOPIC
from shared.ids import uuid7
from shared.jobs import Asked, Job, Jobs, completed_type, requested_type
from shared.jobs.worker import MOST_ATTEMPTS, Lease, LeaseLostError, handle
from shared.refusals import Refusal, Rejected, UnavailableError
from tests.integration.exporting import make_project

Step = Callable[[Job, Lease], Awaitable[bytes | None]]
REQUEST = b'{"a":1}'


class Counting:
    """Work that does what it is told and counts."""

    def __init__(self, step: Step) -> None:
        self._step = step
        self.steps = 0
        self.cleaned: list[uuid.UUID] = []

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        self.steps += 1
        return await self._step(job, lease)

    async def clean(self, job: Job) -> None:
        self.cleaned.append(job.id)

    def told(self, job: Job) -> object:
        return {"job_id": job.id, "state": job.state}


async def done(job: Job, lease: Lease) -> bytes | None:
    del job, lease
    return b'{"done":true}'


class Here:
    """A kind of job, its project and its bus."""

    def __init__(self, catalog: Catalog, project: uuid.UUID, lease_seconds: float) -> None:
        self.bus = MemoryBus()
        self.project = project
        self.jobs = Jobs(catalog, self.bus, "test", lease_seconds=lease_seconds)

    async def make(self, key: str = "") -> Job:
        return (await self.jobs.create(self.project, key or str(uuid.uuid4()), REQUEST))[0]

    async def find(self, job: Job) -> Job:
        found = await self.jobs.find(job.id)
        assert found is not None
        return found

    async def handle(self, job: Job, work: Counting, step: int = 0) -> None:
        asked = Asked(job.id, job.project_id, step)
        await handle(Message({}, msgspec.json.encode(asked)), self.jobs, work)

    async def published(self) -> list[tuple[str, Any]]:
        subscription = await self.bus.subscribe(CONTROL_TOPIC, "test")
        found = await subscription.take(100, 0)
        await subscription.ack([one.position for one in found])
        await subscription.close()
        return [(one.message.attributes["type"], json.loads(one.message.data)) for one in found]


@pytest.fixture
def here(catalog_url: str) -> Callable[..., Any]:
    @asynccontextmanager
    async def opened(lease_seconds: float = 30.0) -> AsyncIterator[Here]:
        project = uuid.uuid4()
        make_project(catalog_url, project)
        catalog = Catalog(catalog_url)
        yield Here(catalog, project, lease_seconds)
        await catalog.close()

    return opened


async def test_a_job_goes_from_queued_to_completed_and_is_told_of_once(here: Any) -> None:
    async with here() as at:
        job = await at.make()
        assert (job.state, job.progress, job.request) == ("queued", 0, REQUEST.decode())
        work = Counting(done)
        for _ in range(3):
            await at.handle(job, work)
        found = await at.find(job)
        assert (found.state, found.progress, found.result) == ("completed", 1, '{"done":true}')
        assert found.finished_at >= found.started_at >= found.created_at
        assert work.steps == 1
        assert await at.published() == [(completed_type("test"), {"job_id": str(job.id), "state": "completed"})]


async def test_a_key_makes_one_job_however_many_ask_at_once(here: Any) -> None:
    async with here() as at:
        made = await asyncio.gather(*(at.jobs.create(at.project, "k", REQUEST) for _ in range(6)))
        assert len({job.id for job, _ in made}) == 1
        assert sum(new for _, new in made) == 1
        with pytest.raises(Rejected) as caught:
            await at.jobs.create(at.project, "k", b'{"a":2}')
        assert caught.value.refusal is Refusal.IDEMPOTENCY_KEY_REUSED


async def test_the_same_key_of_another_project_is_another_job(here: Any) -> None:
    async with here() as one, here() as two:
        assert (await one.make("k")).id != (await two.make("k")).id


async def test_one_worker_has_a_job_at_a_time(here: Any) -> None:
    async with here() as at:
        job = await at.make()
        taken = await asyncio.gather(*(at.jobs.claim(job.id, 0, uuid7()) for _ in range(6)))
        assert len([found for found in taken if found]) == 1
        with pytest.raises(Rejected) as caught:
            await at.handle(job, Counting(done))
        assert caught.value.refusal is Refusal.OVERLOADED


async def test_the_job_of_a_worker_that_died_is_taken_when_its_lease_is_over(here: Any) -> None:
    async with here(0.3) as at:
        job = await at.make()
        assert await at.jobs.claim(job.id, 0, uuid7())
        work = Counting(done)
        with pytest.raises(Rejected):
            await at.handle(job, work)
        await asyncio.sleep(0.4)
        await at.handle(job, work)
        assert ((await at.find(job)).state, work.steps) == ("completed", 1)


async def test_a_worker_keeps_its_job_for_longer_than_a_lease(here: Any) -> None:
    async def slow(job: Job, lease: Lease) -> bytes | None:
        await asyncio.sleep(1.0)
        lease.check()
        return b"{}"

    async with here(0.3) as at:
        job = await at.make()
        working = asyncio.create_task(at.handle(job, Counting(slow)))
        await asyncio.sleep(0.8)
        assert await at.jobs.claim(job.id, 0, uuid7()) is None
        await working
        assert (await at.find(job)).state == "completed"


async def test_a_worker_that_lost_its_job_neither_saves_nor_ends_it(here: Any) -> None:
    async with here(0.2) as at:
        job = await at.make()
        first, second = uuid7(), uuid7()
        taken = await at.jobs.claim(job.id, 0, first)
        await asyncio.sleep(0.3)
        assert await at.jobs.claim(job.id, 0, second)
        lost = Lease(at.jobs, taken, first)
        with pytest.raises(LeaseLostError):
            await lost.save(b'{"mine":1}', 0.5)
        assert lost.lost
        assert await at.jobs.finish(taken, first, "completed", result=b"{}") is None
        await at.jobs.release(taken, first, step=7)
        found = await at.find(job)
        assert (found.state, found.step, found.checkpoint) == ("running", 0, None)


async def test_a_long_job_goes_on_from_its_checkpoint_with_an_event_of_its_own(here: Any) -> None:
    async def counted(job: Job, lease: Lease) -> bytes | None:
        at = int(job.checkpoint or "0") + 1
        await lease.save(str(at).encode(), at / 4)
        return b'"end"' if at == 4 else None

    async with here() as at:
        job = await at.make()
        await at.jobs.request(job)
        work = Counting(counted)
        seen = []
        while events := await at.published():
            for kind, data in events:
                if kind == requested_type("test"):
                    seen.append(data["step"])
                    await at.handle(job, work, data["step"])
                    await at.handle(job, work, data["step"])  # delivered twice
        assert (seen, work.steps) == ([0, 1, 2, 3], 4)
        assert (await at.find(job)).result == '"end"'


async def test_a_crash_between_the_next_event_and_the_release_does_no_harm(here: Any) -> None:
    async with here(0.2) as at:
        job = await at.make()
        taken = await at.jobs.claim(job.id, 0, uuid7())
        await at.jobs.request(taken, 1)  # and here it dies
        await asyncio.sleep(0.3)
        work = Counting(done)
        await at.handle(job, work, 1)
        await at.handle(job, work, 0)
        assert ((await at.find(job)).state, work.steps) == ("completed", 1)


async def test_a_refusal_ends_the_job_as_failed_and_cleans_up(here: Any) -> None:
    async def refuse(job: Job, lease: Lease) -> bytes | None:
        raise Rejected(Refusal.BAD_DESTINATION, "no such bucket\0")

    async with here() as at:
        job = await at.make()
        work = Counting(refuse)
        await at.handle(job, work)
        found = await at.find(job)
        assert (found.state, found.error_code, found.error_detail) == ("failed", "bad_destination", "no such bucket ")
        assert work.cleaned == [job.id]
        assert await at.published() == [(completed_type("test"), {"job_id": str(job.id), "state": "failed"})]


async def test_an_outage_never_uses_the_attempts_up(here: Any) -> None:
    async def away(job: Job, lease: Lease) -> bytes | None:
        raise UnavailableError("the warehouse is away")

    async with here() as at:
        job = await at.make()
        for _ in range(3 * MOST_ATTEMPTS):
            with pytest.raises(UnavailableError):
                await at.handle(job, Counting(away))
        found = await at.find(job)
        assert (found.state, found.error_code, found.attempts) == ("running", "unavailable", 0)
        await at.handle(job, Counting(done))
        assert ((await at.find(job)).state, (await at.find(job)).error_code) == ("completed", None)


async def test_a_job_that_breaks_its_worker_again_and_again_is_given_up(here: Any) -> None:
    async def bug(job: Job, lease: Lease) -> bytes | None:
        raise RuntimeError("a bug with a secret in it")

    async with here() as at:
        job = await at.make()
        work = Counting(bug)
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(RuntimeError):
                await at.handle(job, work)
        await at.handle(job, work)
        found = await at.find(job)
        assert (found.state, found.error_code, work.steps) == ("failed", "internal", MOST_ATTEMPTS)
        assert "secret" not in (found.error_detail or "")


async def test_a_cancelled_job_stops_at_its_next_step_and_is_cleaned(here: Any) -> None:
    began = asyncio.Event()

    async def long(job: Job, lease: Lease) -> bytes | None:
        began.set()
        while True:
            await asyncio.sleep(0.02)
            lease.check()

    async with here(0.3) as at:
        job = await at.make()
        work = Counting(long)
        working = asyncio.create_task(at.handle(job, work))
        await began.wait()
        assert await at.jobs.cancel(job.id, uuid.uuid4()) is None
        assert await at.jobs.cancel(job.id, at.project)
        await asyncio.wait_for(working, 5)
        assert work.cleaned == [job.id]
        assert (await at.find(job)).state == "cancelled"
        assert await at.jobs.cancel(job.id, at.project) is None
        assert await at.published() == []


async def test_what_nobody_works_on_is_asked_for_again_once(here: Any) -> None:
    async with here(0.2) as at:
        lost, dead, held, finished = [await at.make() for _ in range(4)]
        await at.jobs.claim(dead.id, 0, uuid7())
        await at.handle(finished, Counting(done))
        await at.published()
        await asyncio.sleep(0.3)
        await at.jobs.claim(held.id, 0, uuid7())
        assert await at.jobs.sweep(0.25) == 2
        assert {data["job_id"] for _, data in await at.published()} == {str(lost.id), str(dead.id)}
        assert await at.jobs.sweep(0.25) == 0


async def test_a_bus_that_is_away_when_a_job_ends_only_delays_the_news(here: Any) -> None:
    async with here() as at:
        job = await at.make()

        async def away(*_: object) -> None:
            raise BusUnavailableError("away")

        publish = at.bus.publish
        at.bus.publish = away
        with pytest.raises(BusUnavailableError):
            await at.handle(job, Counting(done))
        assert (await at.find(job)).state == "completed"
        at.bus.publish = publish
        await at.jobs.sweep(0)
        [(kind, data)] = await at.published()
        assert kind == requested_type("test")
        await at.handle(job, Counting(done), data["step"])
        assert [kind for kind, _ in await at.published()] == [completed_type("test")]
        assert await at.jobs.sweep(0) == 0


async def test_the_jobs_of_a_removed_project_go_with_it(here: Any, catalog_url: str) -> None:
    async with here() as at:
        job = await at.make()
        with psycopg.connect(catalog_url) as connection:
            connection.execute("DELETE FROM projects WHERE id = %s", [at.project])
        assert await at.jobs.find(job.id) is None
        await at.handle(job, Counting(done))

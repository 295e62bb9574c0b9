"""An erased person stays erased: batch_write knows whom to refuse, and what came in nevertheless goes again.

batch_write refuses events of erased people by what is published in the warehouse (shared.tombstones). A warehouse that
was put back to an earlier state has forgotten some: they are published anew. And whatever was stored meanwhile, or by
a write that lasted longer than anybody waits for, is found by the batches, each of which says when it was stored: by
the time an event happened or was received nobody could tell.
"""

import asyncio
import time
import uuid
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO

import msgspec
import structlog

from functions.gdpr_delete.asked import MOST_PEOPLE, How, kept
from shared.catalog.client import Catalog
from shared.catalog.people import (
    erased_people,
    note_look,
    of_anonymous,
    of_user,
    person_hash,
    person_key,
    projects_refusing,
    projects_to_look_at,
    withdrawn_people,
)
from shared.clock import Clock, to_datetime
from shared.ids import uuid7
from shared.jobs import Jobs
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.subjects import Subject, Subjects
from shared.tombstones import REASONS, publish
from shared.warehouse.client import Warehouse

log = structlog.get_logger()

REASON = "events of people erased before were stored again"
# A batch is noted with the time before its row is written: a look begins so much before the end of the last one.
_OVERLAP = timedelta(minutes=10)
_HERE = Path(__file__).parent
_SECONDS = 40.0


class Watch:
    """Looks for people that came back, and starts an erasure of theirs."""

    def __init__(
        self,
        warehouse: Warehouse,
        catalog: Catalog,
        jobs: Jobs,
        threads: Executor,
        clock: Clock,
        *,
        subjects: Subjects,
    ) -> None:
        self._warehouse = warehouse
        self._subjects = subjects
        self._catalog = catalog
        self._jobs = jobs
        self._threads = threads
        self._clock = clock

    async def look(self) -> int:
        """Look through the projects, those looked through longest ago first; how many people came back."""
        until, found = time.monotonic() + _SECONDS, 0
        await self._catalog.rows("forget_stray_erasure_subjects")
        for project_id, pepper in await projects_refusing(self._catalog):
            await self.publish_missing(project_id, pepper)
        for project_id, stored_until in await projects_to_look_at(self._catalog):
            found += await self.look_at(project_id, stored_until)
            if time.monotonic() > until:
                break
        return found

    async def look_at(self, project_id: uuid.UUID, stored_until: datetime) -> int:
        """Look through what a project stored since; a crash on the way repeats the look."""
        now = to_datetime(self._clock.micros())
        key = await person_key(self._catalog, project_id)
        if key is None:
            return 0
        erased = await erased_people(self._catalog, project_id)
        work = partial(self._returned, project_id, stored_until - _OVERLAP, key, erased)
        people = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        for start in range(0, len(people), MOST_PEOPLE):
            await self._start(project_id, people[start : start + MOST_PEOPLE], key)
        await note_look(self._catalog, project_id, now)
        return len(people)

    async def publish_missing(self, project_id: uuid.UUID, pepper: bytes) -> int:
        """Make what batch_write sees what the catalog says; how many people it did not see so."""
        parameters = Parameters()
        sql = read_sql(_HERE, "refused_now", project=parameters.bind("UUID", str(project_id)))
        seen = (await self._warehouse.query(sql, parameters.values)).rows
        # Behind it: who is seen and not in the catalog any more was let in again meanwhile.
        erased, withdrawn = (
            await erased_people(self._catalog, project_id),
            await withdrawn_people(self._catalog, project_id),
        )
        changed = 0
        for reason, wanted in zip(REASONS, (erased, withdrawn.keys()), strict=True):
            there = {bytes.fromhex(person) for found, person in seen if found == reason}
            for people, active in ((wanted - there, True), (there - wanted, False)):
                now = self._clock.micros()
                await publish(self._warehouse, project_id, pepper, reason, people, active=active, version=now)
                changed += len(people)
        if changed:
            log.info("people published again", project=str(project_id), people=changed)
        return changed

    async def _start(self, project_id: uuid.UUID, people: list[str], key: bytes) -> None:
        job_key = f"again\t{uuid7()}"  # a tab: no Idempotency-Key of a client is one of these
        await self._subjects.keep(project_id, job_key, Subject({one: one for one in people}))
        how = How(linked=False, reason=REASON)
        job, _ = await self._jobs.create(project_id, job_key, msgspec.json.encode(kept(people, key, how)))
        log.info("erased people came back", job=str(job.id), people=len(people))
        await self._jobs.request(job)

    def _returned(self, project_id: uuid.UUID, since: datetime, key: bytes, erased: frozenset[bytes]) -> list[str]:
        """Who of the erased is in what was stored since. Blocks."""
        parameters = Parameters()
        sql = read_sql(
            _HERE,
            "stored_since",
            project=parameters.bind("UUID", str(project_id)),
            since=parameters.bind("DateTime64(6, 'UTC')", str(since.replace(tzinfo=None))),
        )
        found: set[str] = set()

        def read(stream: IO[bytes]) -> None:
            for line in stream:
                user, anonymous = msgspec.json.decode(line, type=tuple[str, str])
                for one in ([of_user(user)] if user else []) + ([of_anonymous(anonymous)] if anonymous else []):
                    if person_hash(key, one) in erased:
                        found.add(one)

        self._warehouse.read(sql, parameters.values, "JSONCompactEachRow", read)
        return sorted(found)

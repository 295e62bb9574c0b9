"""An erased person stays erased: events that were stored since are looked through, and what is theirs goes again.

What was sent before the erasure may be stored after it: it waited on the bus, came back from the dead letters, was
imported again, or a browser sends on. By the time an event happened or was received nobody could tell, so the look goes
by the batches: each says when it was stored.
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

from functions.gdpr_delete.asked import MOST_PEOPLE, kept
from shared.catalog.client import Catalog
from shared.catalog.people import (
    erased_people,
    note_look,
    of_anonymous,
    of_user,
    person_hash,
    person_key,
    projects_to_look_at,
)
from shared.clock import Clock, to_datetime
from shared.ids import uuid7
from shared.jobs import Jobs
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.warehouse.client import Warehouse

log = structlog.get_logger()

REASON = "events of people erased before were stored again"
# A batch is noted with the time before its row is written: a look begins so much before the end of the last one.
_OVERLAP = timedelta(minutes=10)
_HERE = Path(__file__).parent
_SECONDS = 40.0


class Watch:
    """Looks for people that came back, and starts an erasure of theirs."""

    def __init__(self, warehouse: Warehouse, catalog: Catalog, jobs: Jobs, threads: Executor, clock: Clock) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._jobs = jobs
        self._threads = threads
        self._clock = clock

    async def look(self) -> int:
        """Look through the projects, those looked through longest ago first; how many people came back."""
        until, found = time.monotonic() + _SECONDS, 0
        await self._catalog.rows("forget_stray_erasure_subjects")
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

    async def _start(self, project_id: uuid.UUID, people: list[str], key: bytes) -> None:
        job_key = f"again\t{uuid7()}"  # a tab: no Idempotency-Key of a client is one of these
        values = {"project_id": project_id, "job_key": job_key, "people": msgspec.json.encode(people).decode()}
        await self._catalog.rows("keep_erasure_subjects", values)
        job, _ = await self._jobs.create(project_id, job_key, msgspec.json.encode(kept(people, key, REASON)))
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

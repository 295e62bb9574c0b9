"""An access request as a job: find all ids of the person, gather what each store has, hand it over as one archive."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import msgspec
import structlog

from functions.access_request.archive import Archive, Hashed
from functions.access_request.asked import Kept
from functions.access_request.gathering import STORES, Gathering
from functions.access_request.page import Shown, page
from shared.catalog.client import Catalog
from shared.catalog.people import erased_people, person_hash, person_key
from shared.clock import Clock, to_datetime
from shared.failpoints import reach
from shared.jobs import Job
from shared.jobs.worker import Lease
from shared.objects import Objects, ObjectsRefusedError
from shared.objects.destinations import remove_all
from shared.profiles import Change, folded
from shared.query.answers import Remembering
from shared.query.ask import Asker
from shared.query.relatives import Relatives
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.subjects import Subjects
from shared.warehouse.client import Warehouse
from shared.warehouse.personal import rejected_of

log = structlog.get_logger()

KIND = "access_request"
NAME = "person.zip"
_SHOWN_EVENTS = 500
_TRIED_FOR = timedelta(days=1)


class File(msgspec.Struct, frozen=True):
    """The archive."""

    name: str
    bytes: int
    sha256: str


class Result(msgspec.Struct, frozen=True):
    """What was found: rows by file of the archive. `people` are hashes of the ids, by which an erasure finds it."""

    rows: int
    counts: dict[str, int]
    ids: int
    gathered_at: datetime
    prefix: str
    manifest: str
    files: list[File]
    people: list[str]


class _Person(NamedTuple):
    person: str
    keys: list[str]
    hashes: list[bytes]
    consent: list[dict[str, Any]]


class Archivist:
    """The work of access requests."""

    def __init__(
        self,
        warehouse: Warehouse,
        catalog: Catalog,
        objects: Objects,
        subjects: Subjects,
        *,
        threads: Executor,
        clock: Clock,
    ) -> None:
        self._warehouse = warehouse
        self._catalog = catalog
        self._objects = objects
        self._subjects = subjects
        self._threads = threads
        self._clock = clock

    async def step(self, job: Job, lease: Lease) -> bytes | None:
        """Write the archive; a crash writes it anew. A storage that does not let us in is tried again for a day."""
        person = await self._person(job)
        try:
            result = await self._in_thread(partial(self._write, job, person, lease.check))
        except ObjectsRefusedError as error:
            if to_datetime(self._clock.micros()) - job.created_at < _TRIED_FOR:
                raise UnavailableError(f"the archive cannot be stored: {error}") from error
            raise Rejected(Refusal.BAD_DESTINATION, str(error)) from error
        reach("access_request.after_archive")
        # An erasure that begins now finds the archive; one that had begun before does not.
        if not (await erased_people(self._catalog, job.project_id)).isdisjoint(person.hashes):
            await self.remove(job)
            raise Rejected(Refusal.CONFLICT, "the person was erased; lift the erasure to keep anything of theirs again")
        return msgspec.json.encode(result)

    async def clean(self, job: Job) -> None:
        """Remove what a cancelled or failed job had written."""
        try:
            await self.remove(job)
        except ObjectsRefusedError as error:
            log.warning("an archive cannot be removed", job=str(job.id), detail=str(error))

    async def remove(self, job: Job) -> None:
        """Remove the archive; harmless to repeat. Raises as the storage does."""
        await self._in_thread(partial(remove_all, self._objects, _prefix(job), NAME))

    async def forget(self, job: Job) -> None:
        """Forget whom a finished job was about."""
        await self._subjects.forget(job.project_id, job.key)

    def told(self, job: Job) -> dict[str, Any]:
        """What the completed event says; it names nobody."""
        result = msgspec.json.decode(job.result, type=Result) if job.result else None
        return {
            "job_id": job.id,
            "project_id": job.project_id,
            "state": job.state,
            "rows": result.rows if result else None,
            "error": {"code": job.error_code, "detail": job.error_detail or ""} if job.error_code else None,
        }

    async def _person(self, job: Job) -> _Person:
        subject = await self._subjects.find(job.project_id, job.key)
        pepper = await person_key(self._catalog, job.project_id)
        if subject is None or pepper is None:
            raise Rejected(Refusal.NOT_FOUND, "whom this request is about is not known any more; ask again")
        [key] = subject.keys
        keys, person = [key], key
        if msgspec.json.decode(job.request, type=Kept).linked:
            asker = Asker(Remembering(self._warehouse), function=KIND)
            found = await Relatives(job.project_id, asker).of(key)
            keys, person = sorted({*found.keys, found.person, key}), found.person
        hashes = [person_hash(pepper, one) for one in keys]
        consent = await self._catalog.rows("find_consent", {"project_id": job.project_id, "people": hashes})
        return _Person(person, keys, hashes, [dict(row) for row in consent])

    def _write(self, job: Job, person: _Person, check: Callable[[], None]) -> Result:
        now = to_datetime(self._clock.micros())
        with self._objects.writer(_prefix(job) + NAME, content_type="application/zip") as sink:
            target = Hashed(sink)
            archive = Archive(target, now)
            _gather(archive, self._warehouse, job.project_id, person, check, now)
            archive.close()
        return Result(
            rows=sum(archive.counts.values()),
            counts=archive.counts,
            ids=len(person.keys),
            gathered_at=now,
            prefix=_prefix(job),
            manifest=NAME,
            files=[File(NAME, target.bytes, target.sha256)],
            people=[one.hex() for one in person.hashes],
        )

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _gather(  # noqa: PLR0917 (one call)
    archive: Archive,
    warehouse: Warehouse,
    project_id: uuid.UUID,
    person: _Person,
    check: Callable[[], None],
    now: datetime,
) -> None:
    gathering = Gathering(warehouse, project_id, person.keys)
    changes: list[Change] = []
    latest: list[dict[str, Any]] = []
    names = Counter[str]()
    for store in STORES:
        with archive.lines(store) as write:

            def take(row: dict[str, Any], store: str = store, write: Callable[[Any], None] = write) -> None:
                write(row)
                if store == "events":
                    names[str(row["event"])] += 1
                    latest.append(row)
                    del latest[:-_SHOWN_EVENTS]
                elif store == "identity" and row["user_key"] in person.keys:
                    changes.extend(_change(one) for one in row.get("changes", ()))

            gathering.read(store, take, check)
    with archive.lines("rejected") as write:
        gathering.rejected(rejected_of(warehouse, project_id, person.keys, check), write, check)
    with archive.lines("consent") as write:
        for one in person.consent:
            write(one)
    profile = folded(changes)
    about = {"person": person.person, "ids": person.keys, "profile": profile, "gathered_at": now}
    archive.put("profile.json", msgspec.json.format(msgspec.json.encode(about), indent=1))
    shown = Shown(person.person, person.keys, profile, dict(archive.counts), names.most_common(), latest[::-1], now)
    for language in ("en", "ru"):
        archive.put(f"index.{language}.html", page(shown, language).encode())
    reach("access_request.before_archive")


def _change(one: Any) -> Change:
    """An operation, which the warehouse writes as an object or a list of its parts."""
    parts = one.values() if isinstance(one, dict) else one
    return Change(*map(str, parts))


def _prefix(job: Job) -> str:
    """Every path carries the project."""
    return f"projects/{job.project_id}/access/{job.id}/"

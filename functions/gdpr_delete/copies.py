"""Copies of people's data outside the warehouse: exports, archives, reports, deliveries, dead letters."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import Executor
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from shared.catalog.client import Catalog, Row
from shared.events import REJECTED, RejectedRow
from shared.identity import changed_by
from shared.jobs import Job, Jobs
from shared.objects import ObjectsRefusedError
from shared.objects.destinations import Destinations, remove_all
from shared.refusals import Rejected, UnavailableError
from shared.tombstones import ERASED_LINE, Blocked

EXPORT = "export"
ACCESS = "access_request"
_HOUR_SECONDS = 3_600
_PAGE = 100
_LETTERS = 10
_NONE = uuid.UUID(int=0)
_EMPTY = '{"erased":true}'


class Withdrawn(msgspec.Struct, frozen=True):
    """An export or archive that was made before and may have held a person; its files are gone and so are its links.

    `remade`: the job that makes the files of a schedule again, without the person. `beyond_reach`: its destination is
    not known any more, so that its files are wherever they are.
    """

    id: uuid.UUID
    kind: str
    finished_at: datetime | None
    rows: int
    files: int
    destination: str
    remade: uuid.UUID | None = None
    beyond_reach: bool = False


class Delivered(msgspec.Struct, frozen=True):
    """What left the instance before: a webhook (`webhook_id`) or mail got so many messages that named a person."""

    kind: str
    webhook_id: uuid.UUID | None
    messages: int


class Copies(msgspec.Struct, frozen=True):
    """What was found outside the warehouse and does not hold a person any more."""

    withdrawn: list[Withdrawn]
    delivered: list[Delivered]
    report_runs: int
    deliveries: int
    dead_letters: int


class Who(NamedTuple):
    """The people of an erasure: ids as they stand in texts, hashes, and what tells a row of them."""

    project_id: uuid.UUID
    texts: frozenset[str]
    hashes: frozenset[bytes]
    blocked: Blocked


class Shelves:
    """Where copies are kept."""

    def __init__(
        self, catalog: Catalog, exports: Jobs, archives: Jobs, storages: Destinations, threads: Executor
    ) -> None:
        self._catalog = catalog
        self._exports = exports
        self._archives = archives
        self._storages = storages
        self._threads = threads

    async def clear(self, erasure: Job, who: Who, hours: Sequence[int], check: Callable[[], None]) -> Copies:
        """Remove or rewrite all that holds one of the people; harmless to repeat, which finds what is left.

        Raises UnavailableError where a storage is away or does not let us in: it is tried again until it does.
        """
        withdrawn = [one async for one in self._withdraw(erasure, who, hours, check)]
        reports = await self._reports(who, check)
        emptied, delivered = await self._deliveries(who, check)
        return Copies(withdrawn, delivered, reports, emptied, await self._letters(who, check))

    async def _withdraw(
        self, erasure: Job, who: Who, hours: Sequence[int], check: Callable[[], None]
    ) -> AsyncIterator[Withdrawn]:
        since = erasure.started_at or erasure.created_at
        async for job in _finished(self._exports, who.project_id, since):
            check()
            made = _made_of(job, hours)
            if made is not None:
                yield await self._withdrawn(erasure.id, job, made)
        async for job in _finished(self._archives, who.project_id, since):
            check()
            archive = msgspec.json.decode(job.result or "{}", type=_Made)
            if who.hashes.intersection(map(bytes.fromhex, archive.people)):
                yield await self._withdrawn(erasure.id, job, archive)

    async def _withdrawn(self, erasure: uuid.UUID, job: Job, made: "_Made") -> Withdrawn:
        asked = msgspec.json.decode(job.request, type=_Asked)
        found = Withdrawn(job.id, job.kind, job.finished_at, made.rows, len(made.files), asked.destination)
        try:
            objects = self._storages(asked.destination)
        except Rejected:
            return msgspec.structs.replace(found, beyond_reach=True)
        try:
            work = partial(remove_all, objects, made.prefix, made.manifest)
            await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except ObjectsRefusedError as error:
            detail = f"files of {job.kind} {job.id} cannot be removed: {error}; let us in, and the erasure goes on"
            raise UnavailableError(detail) from error
        await self._catalog.rows("expire_job", {"id": job.id})
        if asked.schedule_id is None:
            return found
        again, _ = await self._exports.create(job.project_id, f"again\t{erasure}:{job.id}", job.request.encode())
        await self._exports.request(again)
        return msgspec.structs.replace(found, remade=again.id)

    async def _reports(self, who: Who, check: Callable[[], None]) -> int:
        removed = 0
        async for row in self._pages("list_report_numbers", who.project_id, _PAGE):
            check()
            if mentions(row["numbers"], who.texts) or mentions(row["asked"], who.texts):
                await self._catalog.rows("remove_report_runs", {"project_id": who.project_id, "ids": [row["id"]]})
                removed += 1
        return removed

    async def _deliveries(self, who: Who, check: Callable[[], None]) -> tuple[int, list[Delivered]]:
        emptied, arrived = 0, Counter[uuid.UUID | None]()
        async for row in self._pages("list_delivery_contents", who.project_id, _PAGE):
            check()
            if mentions(row["content"], who.texts):
                more = {"content": _EMPTY, "error": "the person it was about was erased"}
                await self._catalog.rows("empty_deliveries", {"project_id": who.project_id, "ids": [row["id"]], **more})
                emptied += 1
                if row["state"] == "delivered":
                    arrived[row["webhook_id"]] += 1
        delivered = [Delivered("webhook" if one else "mail", one, count) for one, count in arrived.items()]
        return emptied, delivered

    async def _letters(self, who: Who, check: Callable[[], None]) -> int:
        rewritten = 0
        async for row in self._pages("list_letters_of_project", who.project_id, _LETTERS):
            check()
            before = bytes(row["data"])
            after = _without(before, row["event_type"] == REJECTED, who.blocked)
            if after != before:
                values = {"id": row["id"], "before": before, "data": after}
                rewritten += len(await self._catalog.rows("rewrite_letter", values))
        return rewritten

    async def _pages(self, query: str, project_id: uuid.UUID, most: int) -> AsyncIterator[Row]:
        after = _NONE
        while rows := await self._catalog.rows(query, {"project_id": project_id, "after": after, "most": most}):
            for row in rows:
                yield row
            after = rows[-1]["id"]


def mentions(text: str, texts: Collection[str]) -> bool:
    """Whether a JSON text has one of these texts as a value or a name; numbers are counts there and nobody's id."""
    try:
        return _mentioned(msgspec.json.decode(text), texts)
    except (msgspec.MsgspecError, RecursionError):
        return any(one in text for one in texts)


def _mentioned(value: Any, texts: Collection[str]) -> bool:
    if isinstance(value, dict):
        return any(name in texts or _mentioned(inner, texts) for name, inner in value.items())
    if isinstance(value, list):
        return any(_mentioned(inner, texts) for inner in value)
    return isinstance(value, str) and value in texts


def _without(data: bytes, rejected: bool, blocked: Blocked) -> bytes:  # noqa: FBT001 (which of two kinds of record)
    """A record's lines, those of the people emptied: it keeps its length, on which the proof of the ledger stands."""
    lines = data.splitlines()
    kept = [ERASED_LINE if _names(line, rejected, blocked) else line for line in lines]
    return data if kept == lines else b"\n".join(kept) + b"\n"


def _names(line: bytes, rejected: bool, blocked: Blocked) -> bool:  # noqa: FBT001 (as above)
    if line == ERASED_LINE:
        return False
    try:
        if rejected:
            return blocked.why_not_payload(msgspec.json.decode(line, type=RejectedRow).raw) is not None
        event = msgspec.json.decode(line, type=_Named).event
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return blocked.why_not_payload(line.decode("utf-8", "replace")) is not None
    return blocked.why_not(line, links=changed_by(event).chains) is not None


class _Named(msgspec.Struct):
    event: str = ""


class _Asked(msgspec.Struct, rename={"start": "from", "end": "to"}):
    start: datetime | None = None
    end: datetime | None = None
    destination: str = ""
    schedule_id: uuid.UUID | None = None


class _Made(msgspec.Struct):
    rows: int = 0
    files: list[msgspec.Raw] = []
    prefix: str = ""
    manifest: str = "manifest.json"
    people: list[str] = []


async def _finished(jobs: Jobs, project_id: uuid.UUID, since: datetime) -> AsyncIterator[Job]:
    """The completed jobs whose files were there at a time: also those that an attempt which broke off removed."""
    before: uuid.UUID | None = None
    while page := await jobs.page(project_id, "completed", before, _PAGE):
        for job in page:
            if job.result and (job.expired_at is None or job.expired_at >= since):
                yield job
        before = page[-1].id


def _made_of(job: Job, hours: Sequence[int]) -> _Made | None:
    """What an export made; None where it has no rows, or its range none of the hours."""
    asked = msgspec.json.decode(job.request, type=_Asked)
    made = msgspec.json.decode(job.result or "{}", type=_Made)
    if made.rows == 0 or asked.start is None or asked.end is None:
        return None
    start, end = asked.start.timestamp() - _HOUR_SECONDS, asked.end.timestamp()
    return made if any(start < hour < end for hour in hours) else None

"""What export answers: events of jobs, jobs, pages, and the files behind links."""

import asyncio
import functools
import operator

import msgspec
import structlog

from functions.export import schedule_answers
from functions.export.asked import ExportRequest, same_but_end
from functions.export.logic import KIND, shown
from functions.export.page import ADDRESSES, page
from functions.export.ports import Ports
from functions.export.schedule_answers import SCHEDULE, SCHEDULES
from shared.catalog.webhooks import Webhooks
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.cloudevent import decode
from shared.http import Reply, Request
from shared.jobs import Job, api, requested_type
from shared.jobs.worker import handle
from shared.objects import ObjectMissingError, Objects, ObjectsRefusedError, ObjectsUnavailableError, check_key
from shared.objects.folder import FolderObjects
from shared.paths import match
from shared.query.patterns import check_patterns
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.streams import Parts, Streamed

JOBS = "/api/v1/exports"
DUE = "dev.sluice.export.due.v1"
_MOST_EVENT_BYTES = 64 * 1024
_MOST_EXPIRED = 100
# A deleted project can be brought back for 30 days, then it ends with its jobs: nobody would know of their files.
_DELETED_DAYS = 29
_MOST_BODY_BYTES = 64 * 1024
_PIECE_BYTES = 1024 * 1024

log = structlog.get_logger()


class FileQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A link to a file of the embedded storage, as it was given out."""

    path: str
    expires: int
    signature: str


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: of a job, or of the timer. Others on the topic are not ours.

    The timer asks again for what has stalled, starts what is due by schedules, and removes what has expired.
    """
    message = decode(request.headers, await request.body(_MOST_EVENT_BYTES))
    if message.attributes["type"] == DUE:
        await ports.jobs.sweep()
        await ports.schedules.run()
        await expire(ports)
    elif message.attributes["type"] == requested_type(ports.jobs.kind):
        if ports.busy.locked():
            raise Rejected(Refusal.OVERLOADED, "as many exports as this process works on at once are under way")
        async with ports.busy:
            await handle(message, ports.jobs, ports.exporter)
    return Reply(204)


async def expire(ports: Ports) -> int:
    """Remove the files of exports that have been kept for long enough; how many exports those were.

    The files first: a crash in between leaves links to nothing, which say so, and never files that nobody remembers.
    """
    values = {"days": ports.settings.keep_days, "deleted_days": _DELETED_DAYS, "most": _MOST_EXPIRED}
    rows = await ports.catalog.rows("expired_exports", values)
    expired = 0
    for job in [Job(**row) for row in rows]:
        try:
            await ports.exporter.remove(job)
        except Rejected as error:
            log.warning("files of an export cannot be removed", job=str(job.id), detail=str(error))
            continue
        await ports.catalog.rows("expire_job", {"id": job.id})
        expired += 1
    return expired


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """A page, or the addresses of jobs and of schedules."""
    project_id = caller.project_id
    if request.path in ADDRESSES:
        if request.method != "GET":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a page is asked with GET")
        asked = request.query.decode("latin-1")
        work = functools.partial(page, request.path, asked, project_id, ports.pages, SYSTEM_CLOCK)
        return await asyncio.to_thread(work)
    if request.path == SCHEDULES or match(SCHEDULE, request.path):
        return await schedule_answers.answer(request, ports, caller)
    if request.path == JOBS and request.method == "POST":
        return await _start(request, ports, caller)
    seconds = ports.settings.link_seconds
    return await api.answer(
        request, ports.jobs, project_id, JOBS, lambda job: shown(job, ports.storages, seconds, SYSTEM_CLOCK)
    )


async def _start(request: Request, ports: Ports, caller: Caller) -> Reply:
    given = from_json(await request.body(MAX_QUERY_BYTES), ExportRequest)
    asked = given.settled(to_datetime(SYSTEM_CLOCK.micros()))
    await Webhooks(ports.catalog).require(asked.told.webhooks, caller.project_id)
    await check_patterns(asked.filters, ports.pages, KIND)
    try:
        await asyncio.to_thread(ports.storages(asked.destination).check)
    except ObjectsRefusedError as error:
        raise Rejected(Refusal.BAD_DESTINATION, str(error)) from error
    except ObjectsUnavailableError:
        pass  # it may be back when the job writes
    same = operator.eq if given.end else same_but_end
    asked_by = f"{caller.kind}:{caller.id}"
    return await api.start(request, ports.jobs, caller.project_id, asked, JOBS, same=same, asked_by=asked_by)


async def file(request: Request, ports: Ports) -> Reply:
    """A file of the embedded storage behind a link; needs no key, the link is one."""
    query = from_address(request.query.decode("latin-1"), FileQuery)
    objects = ports.storages("")
    if not isinstance(objects, FolderObjects):
        raise Rejected(Refusal.NOT_FOUND, "files are at the storage of this instance, not here")
    if not objects.holds(query.path, query.expires, query.signature):
        raise Rejected(Refusal.BAD_LINK, "ask for the export again: its answer has new links")
    await request.body(_MOST_BODY_BYTES)
    name = query.path.rpartition("/")[2]
    kind = "application/json" if name.endswith(".json") else "application/octet-stream"
    try:
        size = await asyncio.to_thread(objects.size, check_key(query.path))
        reply = await Streamed.start(request, _pieces(objects, query.path), kind)
    except ObjectMissingError as error:
        raise Rejected(Refusal.GONE, "the file was removed after its time; start the export again") from error
    # Whoever gets less than announced knows that it broke off.
    reply.headers |= {"content-length": str(size), "content-disposition": f'attachment; filename="{name}"'}
    return reply


async def _pieces(objects: Objects, key: str) -> Parts:
    """An object in pieces: whoever asks for a large one holds none of it whole."""
    start = 0
    while piece := await asyncio.to_thread(objects.get, key, start, _PIECE_BYTES):
        yield piece
        start += len(piece)

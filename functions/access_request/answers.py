"""What access_request answers: events of jobs and of its timer, requests, jobs with links to archives."""

from typing import Any

import msgspec
import structlog

from functions.access_request.asked import AccessRequest, How, kept
from functions.access_request.ports import Ports
from shared.catalog.people import person_key
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.cloudevent import decode
from shared.http import Reply, Request
from shared.jobs import Job, api, requested_type
from shared.jobs.worker import handle
from shared.objects import ObjectsRefusedError
from shared.paths import match
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Done, record_done
from shared.subjects import Subject, checked_key

JOBS = "/api/v1/access-requests"
PERSON = "/api/v1/people/{id}/access-request"
DUE = "dev.sluice.access_request.due.v1"
_MOST_EVENT_BYTES = 64 * 1024
_MOST_BYTES = 64 * 1024
_MOST_EXPIRED = 100

log = structlog.get_logger()


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: of a job, or of the timer that asks again for what stalled and removes old archives."""
    message = decode(request.headers, await request.body(_MOST_EVENT_BYTES))
    if message.attributes["type"] == DUE:
        await ports.jobs.sweep()
        await expire(ports)
    elif message.attributes["type"] == requested_type(ports.jobs.kind):
        if ports.busy.locked():
            raise Rejected(Refusal.OVERLOADED, "as many archives as this process works on at once are under way")
        async with ports.busy:
            await handle(message, ports.jobs, ports.archivist)
    return Reply(204)


async def expire(ports: Ports) -> int:
    """Remove the archives that were kept for long enough; how many. The file first, as exports do it."""
    values = {"days": ports.settings.keep_days, "most": _MOST_EXPIRED}
    expired = 0
    for row in await ports.catalog.rows("expired_archives", values):
        job = Job(**row)
        try:
            await ports.archivist.remove(job)
        except ObjectsRefusedError as error:
            log.warning("an archive cannot be removed", job=str(job.id), detail=str(error))
            continue
        await ports.catalog.rows("expire_job", {"id": job.id})
        expired += 1
    return expired


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """A request for a person's data under either address, or jobs."""
    if found := match(PERSON, request.path):
        if request.method != "POST":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a person's data are asked for with POST")
        body = await request.body(_MOST_BYTES)
        how = from_json(body, How) if body.strip() else How()
        return await _start(request, ports, caller, checked_key("id", found["id"]), how)
    if request.path == JOBS and request.method == "POST":
        asked = from_json(await request.body(_MOST_BYTES), AccessRequest)
        return await _start(request, ports, caller, checked_key("person", asked.person), asked)
    return await api.answer(request, ports.jobs, caller.project_id, JOBS, lambda job: _shown(job, ports))


async def _start(request: Request, ports: Ports, caller: Caller, person: str, how: How) -> Reply:
    """Keep whom it is about, then the job: a job without a person could not be worked on."""
    pepper = await person_key(ports.catalog, caller.project_id)
    if pepper is None:
        raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
    key, wanted = api.key_of(request), kept(person, pepper, how)
    await ports.subjects.keep(caller.project_id, key, Subject({person: person}))
    asked_by = f"{caller.kind}:{caller.id}"
    reply = await api.start(request, ports.jobs, caller.project_id, wanted, JOBS, key=key, asked_by=asked_by)
    accepted = msgspec.json.decode(reply.body, type=api.Accepted)
    if accepted.state == "queued":
        done = Done(request, ports.proxies, caller)
        after = msgspec.to_builtins(wanted)
        await record_done(ports.catalog, done, "access_request.requested", f"access_request:{accepted.id}", after=after)
    return reply


def _shown(job: Job, ports: Ports) -> Any:
    """A result with a link that expires; of an archive that was removed, without."""
    result: dict[str, Any] = msgspec.json.decode(job.result or "{}")
    result.pop("people", None)
    prefix, [file] = result.pop("prefix"), result["files"]
    del result["manifest"]
    if job.expired_at is not None:
        return {**result, "expired": True}
    seconds = ports.settings.link_seconds
    expires = to_datetime(SYSTEM_CLOCK.micros() // 1_000_000 * 1_000_000 + seconds * 1_000_000)
    file["url"] = ports.objects.link(prefix + file["name"], seconds)
    return {**result, "links_expire_at": expires.isoformat()}

"""What gdpr_delete answers: events of jobs and of its timer, requests for erasures, jobs."""

import uuid

import msgspec

from functions.gdpr_delete.asked import AddressQuery, ErasureRequest, kept
from functions.gdpr_delete.logic import Result
from functions.gdpr_delete.ports import Ports
from shared.catalog.people import person_hash, person_key, readmit
from shared.cloudevent import decode
from shared.http import Reply, Request, json_reply
from shared.jobs import Job, api, requested_type
from shared.jobs.worker import handle
from shared.paths import match
from shared.query.request import from_address, from_json
from shared.refusals import Refusal, Rejected

JOBS = "/api/v1/erasures"
LIFT = f"{JOBS}/lift"
DELETE = "/api/v1/gdpr/delete"
USER = "/api/v1/users/{user_id}/data"
DUE = "dev.sluice.erasure.due.v1"
_MOST_EVENT_BYTES = 64 * 1024
_MOST_BYTES = 4 * 1024 * 1024


class Readmitted(msgspec.Struct, frozen=True):
    """How many of the people were erased, and are kept again from now on."""

    readmitted: int


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: of a job, or of the timer that asks again for what stalled and looks who came back."""
    message = decode(request.headers, await request.body(_MOST_EVENT_BYTES))
    if message.attributes["type"] == DUE:
        await ports.jobs.sweep()
        await ports.watch.look()
    elif message.attributes["type"] == requested_type(ports.jobs.kind):
        if ports.busy.locked():
            raise Rejected(Refusal.OVERLOADED, "as many erasures as this process works on at once are under way")
        async with ports.busy:
            await handle(message, ports.jobs, ports.eraser)
    return Reply(204)


async def answer(request: Request, ports: Ports, project_id: uuid.UUID) -> Reply:
    """A request for an erasure under one of its addresses, the people it is lifted for, or jobs."""
    if found := match(USER, request.path):
        if request.method != "DELETE":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a user's data can only be deleted here")
        query = from_address(request.query.decode("latin-1"), AddressQuery)
        return await _start(request, ports, project_id, ErasureRequest(user_id=found["user_id"], reason=query.reason))
    if request.path == LIFT:
        if request.method != "POST":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "an erasure is lifted with POST")
        return await _lift(ports, project_id, from_json(await request.body(_MOST_BYTES), ErasureRequest))
    if request.path in {JOBS, DELETE} and request.method == "POST":
        return await _start(request, ports, project_id, from_json(await request.body(_MOST_BYTES), ErasureRequest))
    base = DELETE if request.path.startswith(DELETE) else JOBS
    return await api.answer(request, ports.jobs, project_id, base, _shown)


def _shown(job: Job) -> Result:
    return msgspec.json.decode(job.result or "", type=Result)


async def _start(request: Request, ports: Ports, project_id: uuid.UUID, asked: ErasureRequest) -> Reply:
    """Keep whom it is about, then the job: a job without people could not be worked on."""
    people, secret = asked.people(), await _secret(ports, project_id)
    job_key = api.key_of(request)
    values = {"project_id": project_id, "job_key": job_key, "people": msgspec.json.encode(people).decode()}
    await ports.catalog.rows("keep_erasure_subjects", values)
    return await api.start(request, ports.jobs, project_id, kept(people, secret, asked.reason), JOBS, key=job_key)


async def _lift(ports: Ports, project_id: uuid.UUID, asked: ErasureRequest) -> Reply:
    people, secret = asked.people(), await _secret(ports, project_id)
    count = await readmit(ports.catalog, project_id, [person_hash(secret, one) for one in people])
    return json_reply(Readmitted(count))


async def _secret(ports: Ports, project_id: uuid.UUID) -> bytes:
    secret = await person_key(ports.catalog, project_id)
    if secret is None:
        raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
    return secret

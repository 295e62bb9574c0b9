"""What gdpr_delete answers: events of jobs and of its timer, requests for erasures, jobs, consent."""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from functions.gdpr_delete.asked import AddressQuery, ErasureRequest, How, kept
from functions.gdpr_delete.consent import ConsentRequest, ids_of, publish_consent, said, say
from functions.gdpr_delete.ports import Ports
from shared.catalog.client import Queries
from shared.catalog.people import person_hash, person_key, readmit
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.http import Reply, Request, json_reply
from shared.jobs import Job, api, requested_type
from shared.jobs.worker import handle
from shared.paths import match
from shared.query.request import from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Done, record_done
from shared.subjects import Subject, checked_key
from shared.tombstones import publish

JOBS = "/api/v1/erasures"
LIFT = f"{JOBS}/lift"
DELETE = "/api/v1/gdpr/delete"
USER = "/api/v1/users/{user_id}/data"
PERSON = "/api/v1/people/{id}/erasure"
CONSENT = "/api/v1/people/{id}/consent"
DUE = "dev.sluice.erasure.due.v1"
_MOST_EVENT_BYTES = 64 * 1024
_MOST_BYTES = 8 * 1024 * 1024
_TARGET_BYTES = 8


class Readmitted(msgspec.Struct, frozen=True):
    """How many ids were erased, and are kept again from now on."""

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


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """A request under one of the addresses here."""
    asking = _Asking(request, ports, caller)
    if found := match(CONSENT, request.path):
        return await asking.consent(checked_key("id", found["id"]))
    if found := match(PERSON, request.path):
        asking.needs("POST")
        body = await request.body(_MOST_BYTES)
        how = from_json(body, How) if body.strip() else How()
        return await asking.start([checked_key("id", found["id"])], how)
    if found := match(USER, request.path):
        asking.needs("DELETE")
        query = from_address(request.query.decode("latin-1"), AddressQuery)
        people = ErasureRequest(user_id=found["user_id"]).people()
        return await asking.start(people, How(reason=query.reason))
    if request.path == LIFT:
        asking.needs("POST")
        return await asking.lift(from_json(await request.body(_MOST_BYTES), ErasureRequest).people())
    if request.path in {JOBS, DELETE} and request.method == "POST":
        asked = from_json(await request.body(_MOST_BYTES), ErasureRequest)
        return await asking.start(asked.people(), asked)
    base = DELETE if request.path.startswith(DELETE) else JOBS
    return await api.answer(request, ports.jobs, caller.project_id, base, _shown)


def _shown(job: Job) -> Any:
    return msgspec.json.decode(job.result or "null")


class _Asking:
    """One caller's request."""

    def __init__(self, request: Request, ports: Ports, caller: Caller) -> None:
        self._request = request
        self._ports = ports
        self._caller = caller
        self._project_id = caller.project_id

    def needs(self, *methods: str) -> None:
        """Refuse other methods."""
        if self._request.method not in methods:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"this address answers {' and '.join(methods)}")

    async def start(self, people: list[str], how: How) -> Reply:
        """Keep whom it is about, then the job: a job without people could not be worked on."""
        pepper, job_key = await self._pepper(), api.key_of(self._request)
        subject = Subject({one: one for one in people})
        await self._ports.subjects.keep(self._project_id, job_key, subject)
        wanted = kept(people, pepper, how)
        asked_by = f"{self._caller.kind}:{self._caller.id}"
        where = (self._request, self._ports.jobs, self._project_id)
        reply = await api.start(*where, wanted, JOBS, key=job_key, asked_by=asked_by)
        accepted = msgspec.json.decode(reply.body, type=api.Accepted)
        if accepted.state == "queued":
            await self._record(self._ports.catalog, "erasure.requested", f"erasure:{accepted.id}", wanted)
        return reply

    async def lift(self, people: list[str]) -> Reply:
        """Let people in again, by any id of theirs."""
        pepper = await self._pepper()
        async with self._ports.catalog.transaction() as transaction:
            lifted = await readmit(transaction, self._project_id, [person_hash(pepper, one) for one in people])
            if lifted:
                target = f"erasure_lift:{secrets.token_hex(_TARGET_BYTES)}"
                await self._record(transaction, "erasure.lifted", target, {"ids": len(lifted)})
        now = SYSTEM_CLOCK.micros()
        where = (self._ports.warehouse, self._project_id, pepper)
        await publish(*where, "person_erased", lifted, active=False, version=now)
        return json_reply(Readmitted(len(lifted)))

    async def consent(self, key: str) -> Reply:
        """What a person said last, or what they say now."""
        self.needs("GET", "PUT")
        pepper, warehouse, catalog = await self._pepper(), self._ports.warehouse, self._ports.catalog
        if self._request.method == "GET":
            return json_reply(await said(catalog, self._project_id, [person_hash(pepper, key)]))
        asked = from_json(await self._request.body(_MOST_BYTES), ConsentRequest)
        keys = await ids_of(warehouse, self._project_id, key, linked=asked.linked)
        async with catalog.transaction() as transaction:
            micros = SYSTEM_CLOCK.micros()
            found = await say(transaction, self._project_id, pepper, keys, asked, micros=micros)
            target = f"consent:{person_hash(pepper, key).hex()}"
            await self._record(transaction, f"consent.{asked.state}", target, asked)
        await publish_consent(warehouse, self._project_id, pepper, keys, asked, micros=micros)
        return json_reply(found)

    async def _pepper(self) -> bytes:
        pepper = await person_key(self._ports.catalog, self._project_id)
        if pepper is None:
            raise Rejected(Refusal.NOT_FOUND, "the project is not there any more")
        return pepper

    async def _record(
        self, queries: Queries, action: str, target: str, after: msgspec.Struct | Mapping[str, Any]
    ) -> None:
        """Put it into the log; who it is about is not said there, as nothing is ever removed from it."""
        done = Done(self._request, self._ports.proxies, self._caller)
        await record_done(queries, done, action, target, after=msgspec.to_builtins(after))

"""What backup answers: its events, and who asks for copies."""

import contextlib
from typing import Annotated
from uuid import UUID

import msgspec

from functions.backup.logic import DUE, ERASED, NEVER, REQUESTED, Asked, go_on, note_erased, plain, request, tick
from functions.backup.ports import Ports, Settings
from shared.backups import BackupError, CopyState
from shared.backups.records import Copy
from shared.backups.working import remove
from shared.bus import BusUnavailableError
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.cloudevent import decode
from shared.http import Reply, Request, json_reply
from shared.paths import match
from shared.query.request import from_address
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Done, record_done

BACKUPS = "/api/v1/backups"
ONE = BACKUPS + "/{id}"
_MOST_BYTES = 64 * 1024


class CopiesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which copies."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    cursor: UUID | None = None


class CopyPolicy(msgspec.Struct, frozen=True):
    """What happens by itself: `schedule` and `drill_schedule` as cron in UTC, null for never.

    Each copy is kept for `keep_days`.

    `elsewhere`: copies go to a place of their own (`SLUICE_BACKUP_URL`), not beside the data they are of.
    """

    schedule: str | None
    drill_schedule: str | None
    keep_days: int
    elsewhere: bool


class CopiesAnswer(msgspec.Struct, frozen=True):
    """Copies, the newest first; `next_cursor` is null on the last page."""

    items: list[Copy]
    next_cursor: str | None
    policy: CopyPolicy


class Begun(msgspec.Struct, frozen=True):
    """What is answered to accepted work."""

    id: UUID
    state: CopyState


async def deliver(asked: Request, ports: Ports) -> Reply:
    """The timer, a copy's turns, an erasure's end; refuses the rest (`unexpected_event_type`, `not_a_cloudevent`)."""
    message = decode(asked.headers, await asked.body(_MOST_BYTES))
    match message.attributes["type"]:
        case name if name == DUE:
            await tick(ports)
        case name if name == ERASED:
            await note_erased(ports)
        case name if name == REQUESTED:
            try:
                found = msgspec.json.decode(message.data, type=Asked)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise Rejected(Refusal.NOT_A_CLOUDEVENT, f"not an event of a copy: {error}") from error
            await go_on(ports, found.id)
        case name:
            raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, name)
    return Reply(204)


async def answer(asked: Request, ports: Ports, caller: Caller) -> Reply:
    """Copies listed, shown, asked for and removed; the last two are in the audit log."""
    _refuse_tenants(ports, caller)
    if asked.path == BACKUPS:
        if asked.method == "GET":
            return json_reply(await _listed(asked, ports))
        if asked.method == "POST":
            return await _begin(asked, ports, caller)
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{BACKUPS} takes GET and POST")
    found = match_one(asked.path)
    copy = await ports.backups.records.find(found) if found else None
    if copy is None:
        raise Rejected(Refusal.NOT_FOUND, f"copies are at {BACKUPS}, one of them at {ONE}")
    if asked.method == "DELETE":
        copy = await _remove(asked, ports, caller, copy)
    elif asked.method != "GET":
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{ONE} takes GET and DELETE")
    return json_reply(copy)


def match_one(path: str) -> UUID | None:
    """The id in the address of one copy."""
    found = match(ONE, path)
    try:
        return UUID(found["id"]) if found else None
    except ValueError:
        return None


def _refuse_tenants(ports: Ports, caller: Caller) -> None:
    """Copies hold every organisation: on an instance of several only the operator's owners see to them."""
    wanted = ports.settings.operators
    if wanted and str(caller.organisation_id) != wanted:
        raise Rejected(Refusal.ROLE_MISSING, "copies are for owners of the organisation that operates this instance")


async def _listed(asked: Request, ports: Ports) -> CopiesAnswer:
    query = from_address(asked.address.partition("?")[2], CopiesQuery)
    found = await ports.backups.records.page(query.cursor, query.limit + 1)
    page = found[: query.limit]
    return CopiesAnswer(page, str(page[-1].id) if len(found) > query.limit else None, _policy(ports.settings))


def _policy(settings: Settings) -> CopyPolicy:
    crons = (settings.schedule if settings.backup_url else NEVER, settings.drill_schedule)
    schedule, drill = (None if cron == NEVER else cron for cron in crons)
    return CopyPolicy(schedule, drill, settings.keep_days, bool(settings.backup_url))


async def _begin(asked: Request, ports: Ports, caller: Caller) -> Reply:
    expires = ports.settings.expires(to_datetime(SYSTEM_CLOCK.micros()))
    copy_id = await ports.backups.records.begin("asked", f"{caller.kind}:{caller.id}", expires)
    if copy_id is None:
        raise Rejected(Refusal.CONFLICT, "a copy is being made: wait until it is done")
    await _record(asked, ports, caller, "backup.requested", copy_id)
    with contextlib.suppress(BusUnavailableError):  # the timer asks again
        await request(ports, copy_id)
    reply = json_reply(Begun(copy_id, "running"), 202)
    reply.headers["location"] = f"{BACKUPS}/{copy_id}"
    return reply


async def _remove(asked: Request, ports: Ports, caller: Caller, copy: Copy) -> Copy:
    if copy.state == "running" or await ports.backups.records.busy():
        raise Rejected(Refusal.CONFLICT, "a copy is being made, which may need files of others: wait until it is done")
    try:
        await remove(ports.backups, copy.id)
    except BackupError as error:
        raise Rejected(Refusal.CONFLICT, str(error)) from error
    await _record(asked, ports, caller, "backup.removed", copy.id, copy)
    return await ports.backups.records.find(copy.id) or copy


async def _record(  # noqa: PLR0917 (what is recorded of a change)
    asked: Request, ports: Ports, caller: Caller, action: str, copy_id: UUID, before: Copy | None = None
) -> None:
    done = Done(asked, ports.proxies, caller)
    shown = plain(before) if before else None
    await record_done(ports.backups.catalog, done, action, f"backup:{copy_id}", before=shown)

"""What query_people answers under each of its addresses."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from functions.query_people.export import csv_of
from functions.query_people.logic import ExportQuery, PeopleQuery, properties, search, table
from functions.query_people.merges import MergeRequest, Merging, RemoveQuery
from functions.query_people.person import PersonQuery, person
from functions.query_people.ports import Ports
from functions.query_people.sessions import SessionsQuery, sessions
from functions.query_people.timeline import TimelineQuery, timeline
from shared.http import Reply, Request, json_reply
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json, read_question
from shared.query.sessions import project_gap
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.policy import Action

PEOPLE = "/api/v1/people"
EXPORT = f"{PEOPLE}/export"
PROPERTIES = f"{PEOPLE}/properties"
PERSON = f"{PEOPLE}/{{id}}"
TIMELINE = f"{PERSON}/timeline"
SESSIONS = f"{PERSON}/sessions"
MERGES = f"{PERSON}/merges"
MERGE = f"{MERGES}/{{merge}}"
_KINDS = ("u:", "a:")
_MOST_IDENTIFIER = 512  # what ingest takes of one

QueryT = TypeVar("QueryT", bound=msgspec.Struct)


async def answer(request: Request, ports: Ports) -> Reply:
    """The answer to a request; raises Rejected, also for an address or a method that is none of ours."""
    if request.path in {PEOPLE, EXPORT}:
        return await _list(request, ports)
    if request.path == PROPERTIES:
        _needs(request, "GET")
        caller = await ports.access.authorize(request, Action.EVENTS_READ)
        return json_reply(await properties(caller.project_id, ports.warehouse))
    if request.path.startswith(f"{PEOPLE}/") and (found := _one(request)):
        return await found(request, ports)
    raise Rejected(Refusal.NOT_FOUND, f"here are {PEOPLE}, {EXPORT} and {PERSON} with what belongs to a person")


async def _list(request: Request, ports: Ports) -> Reply:
    _needs(request, "GET", "POST")
    if request.path == EXPORT:
        caller = await ports.access.authorize(request, Action.EXPORTS_READ)
        found = await table(await read_question(request, ExportQuery), caller.project_id, ports.warehouse, ports.clock)
        return Reply(200, csv_of(found), "text/csv; charset=utf-8", {"content-disposition": "attachment"})
    caller = await ports.access.authorize(request, Action.EVENTS_READ)
    query = await read_question(request, PeopleQuery)
    return json_reply(await search(query, caller.project_id, ports.warehouse, ports.clock))


def _one(request: Request) -> Callable[[Request, Ports], Awaitable[Reply]] | None:
    """What answers an address below one person; None where there is no such."""
    return next((found for template, found in _ROUTES.items() if match(template, request.path)), None)


async def _person(request: Request, ports: Ports) -> Reply:
    caller, key = await _reads(request, ports, PERSON)
    query = _in_address(request, PersonQuery)
    return json_reply(await person(query, key, caller.project_id, ports.warehouse))


async def _timeline(request: Request, ports: Ports) -> Reply:
    caller, key = await _reads(request, ports, TIMELINE)
    query = _in_address(request, TimelineQuery)
    return json_reply(await timeline(query, key, caller.project_id, ports.warehouse, ports.clock))


async def _sessions(request: Request, ports: Ports) -> Reply:
    caller, key = await _reads(request, ports, SESSIONS)
    query = _in_address(request, SessionsQuery)
    gap = await project_gap(ports.catalog, caller.project_id)
    return json_reply(await sessions(query, key, caller.project_id, ports.warehouse, ports.clock, gap=gap))


async def _merge(request: Request, ports: Ports) -> Reply:
    _needs(request, "POST")
    caller = await ports.access.authorize(request, Action.PERSONS_MERGE)
    merging = Merging(ports, caller, request)
    asked = from_json(await request.body(MAX_QUERY_BYTES), MergeRequest)
    return json_reply(await merging.merge(_key(request, MERGES), _checked("into", asked.into), asked.reason), 201)


async def _unmerge(request: Request, ports: Ports) -> Reply:
    _needs(request, "DELETE")
    caller = await ports.access.authorize(request, Action.PERSONS_MERGE)
    merge = (match(MERGE, request.path) or {})["merge"]
    reason = _in_address(request, RemoveQuery).reason
    return json_reply(await Merging(ports, caller, request).remove(_key(request, MERGE), merge, reason))


async def _reads(request: Request, ports: Ports, template: str) -> tuple[Caller, str]:
    _needs(request, "GET")
    return await ports.access.authorize(request, Action.EVENTS_READ), _key(request, template)


def _in_address(request: Request, query_type: type[QueryT]) -> QueryT:
    return from_address(request.address.partition("?")[2], query_type)


def _key(request: Request, template: str) -> str:
    return _checked("id", (match(template, request.path) or {})["id"])


def _checked(field: str, key: str) -> str:
    """A user key; refuses what is none (`bad_value`)."""
    if not key.startswith(_KINDS) or not 1 <= len(key) - 2 <= _MOST_IDENTIFIER or "\0" in key:
        raise Rejected(
            Refusal.BAD_VALUE, f"`{field}` is {key[:80]!r}: write u:<user_id> for a known person, else a:<anonymous_id>"
        )
    return key


def _needs(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"this address answers {' and '.join(methods)}")


_ROUTES: dict[str, Callable[[Request, Ports], Awaitable[Reply]]] = {
    PERSON: _person,
    TIMELINE: _timeline,
    SESSIONS: _sessions,
    MERGES: _merge,
    MERGE: _unmerge,
}

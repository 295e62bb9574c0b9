"""The addresses of incidents: list, show, acknowledge, snooze, resolve, comment; and where the others are."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from functions.incidents import pages, settings
from functions.incidents.asked import (
    CommentRequest,
    DetailAnswer,
    IncidentAnswer,
    IncidentsAnswer,
    IncidentsQuery,
    NoteRequest,
    SnoozeRequest,
    StepAnswer,
)
from functions.incidents.links import LINK
from functions.incidents.ports import Ports
from functions.incidents.states import By, Incident, Move, acknowledged, commented, snoozed
from functions.incidents.store import Incidents
from shared.http import Reply, Request, json_reply
from shared.listing import made_time_cursor, read_id, time_cursor
from shared.paths import match
from shared.query.durations import seconds
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes
from shared.security.policy import Action

INCIDENTS = "/api/v1/incidents"
ONE = INCIDENTS + "/{id}"
ACTIONS = ("acknowledge", "snooze", "resolve", "comment")
_LONGEST_SNOOZE = "7d"


class Asked:
    """What one caller asks of the incidents of their project."""

    def __init__(self, request: Request, ports: Ports, caller: Caller) -> None:
        self.request = request
        self.ports = ports
        self.project_id = caller.project_id
        self.by = By(f"{caller.kind}:{caller.id}", caller.email or ("API key" if caller.kind == "key" else ""))
        self.changes = Changes(
            "incident", IncidentAnswer.of, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
        )

    async def body(self) -> bytes:
        """The body; nothing is the same as an empty object."""
        return await self.request.body(MAX_QUERY_BYTES) or b"{}"

    async def change(self, verb: str, incident: Incident, work: Callable[[Incident], Move | None]) -> Incident:
        """The incident after `work`, with its row in the audit log."""
        keeper, which = self.ports.keeper, (incident.id, incident.project_id)
        return await self.changes.made(verb, lambda queries: keeper.change(queries, *which, work), incident)


async def answer(request: Request, ports: Ports) -> Reply:
    """Answer an address of incidents, policies or maintenance windows; each change is in the audit log."""
    if found := match(LINK, request.path):
        return await pages.answer(request, ports, found["token"])
    action = Action.ALERTS_READ if request.method == "GET" else Action.ALERTS_WRITE
    caller = await ports.access.authorize(request, action)
    if not request.path.startswith(INCIDENTS):
        return await settings.answer(request, ports, caller)
    asked = Asked(request, ports, caller)
    if request.path == INCIDENTS:
        if request.method != "GET":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "incidents are listed with GET; alert rules open them")
        return json_reply(await _list(asked))
    if found := match(ONE, request.path):
        if request.method != "GET":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "an incident is shown with GET")
        return json_reply(await _shown(asked, await _found(found["id"], asked)))
    for name, act in _ACTIONS.items():
        if found := match(f"{ONE}/{name}", request.path):
            if request.method != "POST":
                raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{name} is asked with POST")
            return json_reply(await _shown(asked, await act(asked, await _found(found["id"], asked))))
    raise Rejected(Refusal.NOT_FOUND, f"incidents are at {INCIDENTS}, one of them at {ONE}")


async def _list(asked: Asked) -> IncidentsAnswer:
    query = from_address(asked.request.query.decode("latin-1"), IncidentsQuery)
    if query.since is not None and query.since.tzinfo is None:
        raise Rejected(Refusal.BAD_RANGE, "`since` needs an offset, such as 2026-01-31T00:00:00Z")
    found = await Incidents(asked.ports.catalog).page(
        asked.project_id,
        state=query.state,
        severity=query.severity,
        rule_id=query.rule_id,
        since=query.since,
        before=time_cursor(query.cursor),
        most=query.limit + 1,
    )
    page = found[: query.limit]
    more = made_time_cursor(page[-1].opened_at, page[-1].id) if len(found) > query.limit else None
    return IncidentsAnswer([IncidentAnswer.of(one) for one in page], more)


async def _shown(asked: Asked, incident: Incident) -> DetailAnswer:
    timeline = await Incidents(asked.ports.catalog).timeline(incident.id)
    return DetailAnswer(IncidentAnswer.of(incident), [StepAnswer.of(step) for step in timeline])


async def _found(text: str, asked: Asked) -> Incident:
    """The project's incident; another project's is as unknown as one that never was."""
    found = await Incidents(asked.ports.catalog).find(read_id(text, "incident"), asked.project_id)
    if found is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no incident {text[:80]!r}")
    return found


async def _acknowledge(asked: Asked, incident: Incident) -> Incident:
    note, now = from_json(await asked.body(), NoteRequest).note, asked.ports.keeper.now()
    return await asked.change(
        "acknowledged", incident, lambda held: acknowledged(_unresolved(held), asked.by, now, note)
    )


async def _snooze(asked: Asked, incident: Incident) -> Incident:
    given, now = from_json(await asked.body(), SnoozeRequest), asked.ports.keeper.now()
    if not seconds("1m") <= seconds(given.hold) <= seconds(_LONGEST_SNOOZE):
        raise Rejected(Refusal.BAD_RANGE, f"`for` {given.hold} is not from 1m to {_LONGEST_SNOOZE}")
    until = now + timedelta(seconds=seconds(given.hold))
    return await asked.change(
        "snoozed", incident, lambda held: snoozed(_unresolved(held), until, asked.by, now, given.note)
    )


async def _resolve(asked: Asked, incident: Incident) -> Incident:
    note, keeper = from_json(await asked.body(), NoteRequest).note, asked.ports.keeper
    _unresolved(incident)
    found = await asked.changes.made(
        "resolved",
        lambda queries: keeper.resolve(queries, incident.id, incident.project_id, asked.by, note),
        incident,
    )
    keeper.wake()
    return found


async def _comment(asked: Asked, incident: Incident) -> Incident:
    note, now = from_json(await asked.body(), CommentRequest).note, asked.ports.keeper.now()
    return await asked.change("commented", incident, lambda held: commented(held, asked.by, now, note))


_ACTIONS: dict[str, Callable[[Asked, Incident], Awaitable[Incident]]] = {
    "acknowledge": _acknowledge,
    "snooze": _snooze,
    "resolve": _resolve,
    "comment": _comment,
}


def _unresolved(incident: Incident) -> Incident:
    if incident.state == "resolved":
        raise Rejected(Refusal.CONFLICT, "the incident is resolved: there is nothing to do about it")
    return incident

"""The addresses of alert rules: make, list, show, write anew, pause, resume, try out, history, remove."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from functions.alert_evaluate.ports import Ports
from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import Shown
from functions.alert_evaluate.store import Alert, Noted
from shared.http import Reply, Request, json_reply
from shared.listing import Listed, id_cursor, made_time_cursor, read_id, time_cursor
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected

ALERTS = "/api/v1/alerts"
ONE = ALERTS + "/{id}"


class AlertProblem(msgspec.Struct, frozen=True):
    """Why the state is unknown; `code` as in every refusal."""

    code: str
    detail: str


class AlertAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and where it stands: `value` was judged last, for the window that ended at `evaluated_to`.

    `unknown` says that nobody can know for now, `problem` why. A rule that fires stays so while nobody knows.
    """

    id: uuid.UUID
    rule: Rule
    paused: bool
    state: Shown
    value: float | None
    problem: AlertProblem | None
    pending_since: datetime | None
    incident_id: uuid.UUID | None
    evaluated_to: datetime | None
    created_at: datetime
    updated_at: datetime


class AlertsAnswer(msgspec.Struct, frozen=True):
    """Rules, the newest first; `next_cursor` is null on the last page."""

    items: list[AlertAnswer]
    next_cursor: str | None


class TrialAnswer(msgspec.Struct, frozen=True):
    """What a rule comes to now; nothing changes and nobody is told. `holds` is null where nobody can know."""

    holds: bool | None
    value: float | None
    condition: str
    problem: AlertProblem | None
    range: dict[str, str]


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a rule from one state to another, at the end of the window that brought it."""

    id: uuid.UUID
    at: datetime
    before: Shown
    after: Shown
    value: float | None
    incident_id: uuid.UUID | None
    problem: AlertProblem | None


class HistoryAnswer(msgspec.Struct, frozen=True):
    """Steps, the newest first; `next_cursor` is null on the last page."""

    items: list[ChangeAnswer]
    next_cursor: str | None


async def answer(request: Request, ports: Ports, project_id: uuid.UUID) -> Reply:
    """Answer an address of rules."""
    if request.path == ALERTS:
        if request.method == "POST":
            return await _create(request, ports, project_id)
        if request.method == "GET":
            return json_reply(await _list(request, ports, project_id))
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "rules are listed with GET and made with POST")
    if found := match(ONE, request.path):
        alert = await _found(found["id"], ports, project_id)
        return await _one(request, ports, alert)
    for action, method in (("pause", "POST"), ("resume", "POST"), ("test", "POST"), ("history", "GET")):
        if found := match(f"{ONE}/{action}", request.path):
            if request.method != method:
                raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{action} is asked with {method}")
            alert = await _found(found["id"], ports, project_id)
            return await _ACTIONS[action](request, ports, alert)
    raise Rejected(Refusal.NOT_FOUND, f"rules are at {ALERTS}, one of them at {ONE}")


async def _create(request: Request, ports: Ports, project_id: uuid.UUID) -> Reply:
    rule = from_json(await request.body(MAX_QUERY_BYTES), Rule).checked()
    alert = await ports.alerts.create(project_id, rule)
    reply = json_reply(_shown(alert), 201)
    reply.headers["location"] = f"{ALERTS}/{alert.id}"
    return reply


async def _list(request: Request, ports: Ports, project_id: uuid.UUID) -> AlertsAnswer:
    query = from_address(request.query.decode("latin-1"), Listed)
    found = await ports.alerts.page(project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return AlertsAnswer([_shown(alert) for alert in page], more)


async def _one(request: Request, ports: Ports, alert: Alert) -> Reply:
    match request.method:
        case "GET":
            return json_reply(_shown(alert))
        case "PUT":
            rule = from_json(await request.body(MAX_QUERY_BYTES), Rule).checked()
            return json_reply(_shown(_there(await ports.alerts.replace(alert.id, alert.project_id, rule), alert)))
        case "DELETE":
            await ports.alerts.remove(alert.id, alert.project_id)
            return Reply(204)
        case _:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a rule takes GET, PUT and DELETE")


async def _pause(request: Request, ports: Ports, alert: Alert) -> Reply:
    paused = request.path.endswith("/pause")
    return json_reply(_shown(_there(await ports.alerts.pause(alert.id, alert.project_id, paused=paused), alert)))


async def _test(request: Request, ports: Ports, alert: Alert) -> Reply:
    del request
    end, judged = await ports.evaluator.now(alert)
    rule = alert.parsed
    problem = AlertProblem(judged.code, judged.detail or "") if judged.code else None
    return json_reply(TrialAnswer(judged.holds, judged.value, rule.described(), problem, rule.period(end).echo()))


async def _history(request: Request, ports: Ports, alert: Alert) -> Reply:
    query = from_address(request.query.decode("latin-1"), Listed)
    found = await ports.alerts.history(alert.id, time_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = made_time_cursor(page[-1].at, page[-1].id) if len(found) > query.limit else None
    return json_reply(HistoryAnswer([_step(noted) for noted in page], more))


_Action = Callable[[Request, Ports, Alert], Awaitable[Reply]]
_ACTIONS: dict[str, _Action] = {"pause": _pause, "resume": _pause, "test": _test, "history": _history}


async def _found(text: str, ports: Ports, project_id: uuid.UUID) -> Alert:
    """The project's rule; another project's is as unknown as one that never was."""
    alert = await ports.alerts.find(read_id(text, "alert rule"), project_id)
    if alert is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no alert rule {text[:80]!r}")
    return alert


def _there(found: Alert | None, alert: Alert) -> Alert:
    if found is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no alert rule {alert.id} any more")
    return found


def _shown(alert: Alert) -> AlertAnswer:
    standing = alert.standing
    return AlertAnswer(
        id=alert.id,
        rule=alert.parsed,
        paused=alert.paused,
        state=standing.shown,
        value=alert.value,
        problem=AlertProblem(alert.problem_code, alert.problem_detail or "") if alert.problem_code else None,
        pending_since=alert.pending_since,
        incident_id=alert.incident_id,
        evaluated_to=alert.evaluated_to,
        created_at=alert.created_at,
        updated_at=alert.updated_at,
    )


def _step(noted: Noted) -> ChangeAnswer:
    return ChangeAnswer(
        id=noted.id,
        at=noted.at,
        before=noted.before,
        after=noted.after,
        value=noted.value,
        incident_id=noted.incident_id,
        problem=AlertProblem(noted.code, noted.detail or "") if noted.code else None,
    )

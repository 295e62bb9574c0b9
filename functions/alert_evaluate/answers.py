"""The addresses of alert rules: make, list, show, write anew, pause, resume, try out, history, remove."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import msgspec

from functions.alert_evaluate.logic import Previewed
from functions.alert_evaluate.ports import Ports
from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import Shown
from functions.alert_evaluate.store import Alert, Alerts, Noted
from shared.http import Reply, Request, json_reply
from shared.listing import Listed, id_cursor, made_time_cursor, read_id, time_cursor
from shared.paths import match
from shared.query.period import parse_period
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

ALERTS = "/api/v1/alerts"
ONE = ALERTS + "/{id}"
PREVIEW = ALERTS + "/preview"


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


class PreviewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from"}):
    """A rule and the range of the past that it is tried on."""

    rule: Rule
    start: str
    to: str
    timezone: str | None = None


class PreviewIncident(msgspec.Struct, frozen=True, rename={"start": "from"}):
    """When the rule would have fired, and until when; `to` is null where it would still."""

    start: datetime
    to: datetime | None


class PreviewAnswer(msgspec.Struct, frozen=True):
    """What a rule would have come to; a point is a window, in the order of time."""

    condition: str
    points: list[Previewed]
    incidents: list[PreviewIncident]
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


class Rules:
    """What one caller asks of the rules of their project."""

    def __init__(self, request: Request, ports: Ports, caller: Caller) -> None:
        self.request = request
        self.ports = ports
        self.project_id = caller.project_id
        self.changes = Changes(
            "alert", _shown, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
        )

    async def rule(self) -> Rule:
        """The rule in the body, with all refused that can be."""
        rule = from_json(await self.request.body(MAX_QUERY_BYTES), Rule).checked()
        await self.ports.evaluator.check(rule)
        return rule

    def change(
        self, verb: str, work: Callable[[Alerts], Awaitable[Alert | None]], before: Alert | None = None
    ) -> Awaitable[Alert]:
        """The rule after `work`, with its row in the audit log."""
        return self.changes.made(verb, lambda queries: work(self.ports.alerts.within(queries)), before)


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Answer an address of rules; each change is in the audit log."""
    rules = Rules(request, ports, caller)
    if request.path == ALERTS:
        if request.method == "POST":
            return await _create(rules)
        if request.method == "GET":
            return json_reply(await _list(rules))
        raise Rejected(Refusal.METHOD_NOT_ALLOWED, "rules are listed with GET and made with POST")
    if request.path == PREVIEW and request.method == "POST":
        return json_reply(await _preview(rules))
    if found := match(ONE, request.path):
        return await _one(rules, await _found(found["id"], rules))
    for action, method in (("pause", "POST"), ("resume", "POST"), ("test", "POST"), ("history", "GET")):
        if found := match(f"{ONE}/{action}", request.path):
            if request.method != method:
                raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"{action} is asked with {method}")
            return await _ACTIONS[action](rules, await _found(found["id"], rules))
    raise Rejected(Refusal.NOT_FOUND, f"rules are at {ALERTS}, one of them at {ONE}")


async def _create(rules: Rules) -> Reply:
    rule = await rules.rule()
    alert = await rules.change("created", lambda alerts: alerts.create(rules.project_id, rule))
    reply = json_reply(_shown(alert), 201)
    reply.headers["location"] = f"{ALERTS}/{alert.id}"
    return reply


async def _preview(rules: Rules) -> PreviewAnswer:
    asked = from_json(await rules.request.body(MAX_QUERY_BYTES), PreviewRequest)
    period, rule = parse_period(asked.start, asked.to, asked.timezone), asked.rule.checked()
    evaluator = rules.ports.evaluator
    await evaluator.check(rule)
    points = await rules.request.while_connected(evaluator.preview(rule, rules.project_id, period))
    return PreviewAnswer(rule.described(), points, _incidents(points), period.echo())


def _incidents(points: Sequence[Previewed]) -> list[PreviewIncident]:
    incidents: list[PreviewIncident] = []
    since: datetime | None = None
    for point in points:
        if point.state == "firing":
            since = since or point.at
        elif since is not None:
            incidents.append(PreviewIncident(since, point.at))
            since = None
    return [*incidents, PreviewIncident(since, None)] if since else incidents


async def _list(rules: Rules) -> AlertsAnswer:
    query = from_address(rules.request.query.decode("latin-1"), Listed)
    found = await rules.ports.alerts.page(rules.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    return AlertsAnswer([_shown(alert) for alert in page], more)


async def _one(rules: Rules, alert: Alert) -> Reply:
    which = (alert.id, alert.project_id)
    match rules.request.method:
        case "GET":
            return json_reply(_shown(alert))
        case "PUT":
            rule = await rules.rule()
            return json_reply(_shown(await rules.change("changed", lambda to: to.replace(*which, rule), alert)))
        case "DELETE":
            alerts = rules.ports.alerts
            await rules.changes.removed(lambda to: alerts.within(to).remove(*which), alert)
            return Reply(204)
        case _:
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "a rule takes GET, PUT and DELETE")


async def _pause(rules: Rules, alert: Alert) -> Reply:
    paused = rules.request.path.endswith("/pause")
    verb = "paused" if paused else "resumed"
    return json_reply(
        _shown(await rules.change(verb, lambda to: to.pause(alert.id, alert.project_id, paused=paused), alert))
    )


async def _test(rules: Rules, alert: Alert) -> Reply:
    end, judged = await rules.ports.evaluator.now(alert)
    rule = alert.parsed
    problem = AlertProblem(judged.code, judged.detail or "") if judged.code else None
    return json_reply(TrialAnswer(judged.holds, judged.value, rule.described(), problem, rule.period(end).echo()))


async def _history(rules: Rules, alert: Alert) -> Reply:
    query = from_address(rules.request.query.decode("latin-1"), Listed)
    found = await rules.ports.alerts.history(alert.id, time_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = made_time_cursor(page[-1].at, page[-1].id) if len(found) > query.limit else None
    return json_reply(HistoryAnswer([_step(noted) for noted in page], more))


_Action = Callable[[Rules, Alert], Awaitable[Reply]]
_ACTIONS: dict[str, _Action] = {"pause": _pause, "resume": _pause, "test": _test, "history": _history}


async def _found(text: str, rules: Rules) -> Alert:
    """The project's rule; another project's is as unknown as one that never was."""
    alert = await rules.ports.alerts.find(read_id(text, "alert rule"), rules.project_id)
    if alert is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no alert rule {text[:80]!r}")
    return alert


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

"""The addresses of alert rules: make, list, show, write anew, pause, resume, try out, history, remove."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from functions.alert_evaluate.logic import Previewed
from functions.alert_evaluate.ports import Ports
from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import WHOLE, Judged, Shown, State
from functions.alert_evaluate.store import Alert, Alerts, Noted, OpenIncident
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


AlertState = Literal["ok", "pending", "firing", "acknowledged", "resolved", "unknown"]


class AlertIncident(msgspec.Struct, frozen=True):
    """The incident of a rule or a group that is not over, and whether somebody acknowledged it."""

    id: uuid.UUID
    state: Literal["open", "acknowledged"]


class AlertGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Where one group of a rule stands."""

    group: str
    state: AlertState
    value: float | None
    pending_since: datetime | None
    incident_id: uuid.UUID | None
    incident: AlertIncident | None


class AlertAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and where it stands: `value` was judged last, for the window that ended at `evaluated_to`.

    `unknown` says that nobody can know for now, `problem` why. A rule that fires stays so while nobody knows; it is
    `acknowledged` when all its open incidents are. Of a rule with groups `value` is how many of them fire, the state
    that of the worst, and `incident` the oldest; `groups` are the largest and those that are not ok, none in a list.
    """

    id: uuid.UUID
    rule: Rule
    paused: bool
    state: AlertState
    value: float | None
    problem: AlertProblem | None
    pending_since: datetime | None
    incident_id: uuid.UUID | None
    incident: AlertIncident | None
    groups: list[AlertGroup]
    evaluated_to: datetime | None
    created_at: datetime
    updated_at: datetime


class AlertsAnswer(msgspec.Struct, frozen=True):
    """Rules, the newest first; `next_cursor` is null on the last page."""

    items: list[AlertAnswer]
    next_cursor: str | None


class TrialGroup(msgspec.Struct, frozen=True):
    """What one group comes to."""

    group: str
    holds: bool
    value: float | None


class TrialAnswer(msgspec.Struct, frozen=True):
    """What a rule comes to now; nothing changes and nobody is told. `holds` is null where nobody can know.

    Of a rule with groups it holds where it does for any, and `value` is for how many.
    """

    holds: bool | None
    value: float | None
    groups: list[TrialGroup]
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
    """When the rule or a group would have fired, and until when; `to` is null where it would still."""

    start: datetime
    to: datetime | None
    group: str = WHOLE


class PreviewAnswer(msgspec.Struct, frozen=True):
    """What a rule would have come to; a point is a window, of each group that was judged, in the order of time."""

    condition: str
    points: list[Previewed]
    incidents: list[PreviewIncident]
    range: dict[str, str]


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a rule or of one of its groups from one state to another, at the end of the window that brought it."""

    id: uuid.UUID
    at: datetime
    group: str
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
        await self.ports.evaluator.check(rule, self.project_id)
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
    await evaluator.check(rule, rules.project_id)
    points = await rules.request.while_connected(evaluator.preview(rule, rules.project_id, period))
    return PreviewAnswer(rule.described(), points, _incidents(points), period.echo())


def _incidents(points: Sequence[Previewed]) -> list[PreviewIncident]:
    incidents: list[PreviewIncident] = []
    since: dict[str, datetime] = {}
    for point in points:
        if point.state == "firing":
            since.setdefault(point.group, point.at)
        elif point.group in since:
            incidents.append(PreviewIncident(since.pop(point.group), point.at, point.group))
    still = [PreviewIncident(start, None, group) for group, start in since.items()]
    return sorted([*incidents, *still], key=lambda one: (one.start, one.group))


async def _list(rules: Rules) -> AlertsAnswer:
    query = from_address(rules.request.query.decode("latin-1"), Listed)
    found = await rules.ports.alerts.page(rules.project_id, id_cursor(query.cursor), query.limit + 1)
    page = found[: query.limit]
    more = str(page[-1].id) if len(found) > query.limit else None
    incidents = await rules.ports.alerts.incidents(rules.project_id, [alert.id for alert in page])
    return AlertsAnswer([_shown(alert, incidents.get(alert.id, []), listed=True) for alert in page], more)


async def _one(rules: Rules, alert: Alert) -> Reply:
    which = (alert.id, alert.project_id)
    match rules.request.method:
        case "GET":
            incidents = await rules.ports.alerts.incidents(alert.project_id, [alert.id])
            return json_reply(_shown(alert, incidents.get(alert.id, [])))
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
    rule, whole = alert.parsed, judged.get(WHOLE)
    groups = [] if whole else [TrialGroup(name, bool(one.holds), one.value) for name, one in judged.items()]
    one = whole or Judged(any(group.holds for group in groups), float(sum(group.holds for group in groups)))
    problem = AlertProblem(one.code, one.detail or "") if one.code else None
    return json_reply(TrialAnswer(one.holds, one.value, groups, rule.described(), problem, rule.period(end).echo()))


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


def _shown(alert: Alert, incidents: Sequence[OpenIncident] = (), *, listed: bool = False) -> AlertAnswer:
    standing = alert.standing
    open_ones = {one.group: one for one in reversed(incidents)}
    return AlertAnswer(
        id=alert.id,
        rule=alert.parsed,
        paused=alert.paused,
        state=_acknowledged(standing.shown, incidents),
        value=alert.value,
        incident=_incident(incidents[0] if incidents else None),
        groups=[] if listed else _groups(alert, open_ones),
        problem=AlertProblem(alert.problem_code, alert.problem_detail or "") if alert.problem_code else None,
        pending_since=alert.pending_since,
        incident_id=alert.incident_id,
        evaluated_to=alert.evaluated_to,
        created_at=alert.created_at,
        updated_at=alert.updated_at,
    )


def _groups(alert: Alert, incidents: Mapping[str, OpenIncident]) -> list[AlertGroup]:
    rank: list[State] = ["firing", "pending", "resolved", "ok"]
    ordered = sorted(alert.grouped.of.items(), key=lambda one: (rank.index(one[1].state), one[0]))
    return [
        AlertGroup(
            group=name,
            state=_acknowledged(standing.shown, [incidents[name]] if name in incidents else []),
            value=standing.value,
            pending_since=standing.pending_since,
            incident_id=standing.incident_id,
            incident=_incident(incidents.get(name)),
        )
        for name, standing in ordered
    ]


def _acknowledged(shown: Shown, incidents: Sequence[OpenIncident]) -> AlertState:
    known = bool(incidents) and all(one.state == "acknowledged" for one in incidents)
    return "acknowledged" if shown == "firing" and known else shown


def _incident(found: OpenIncident | None) -> AlertIncident | None:
    return None if found is None else AlertIncident(found.id, found.state)


def _step(noted: Noted) -> ChangeAnswer:
    return ChangeAnswer(
        id=noted.id,
        at=noted.at,
        group=noted.group_name,
        before=noted.before,
        after=noted.after,
        value=noted.value,
        incident_id=noted.incident_id,
        problem=AlertProblem(noted.code, noted.detail or "") if noted.code else None,
    )

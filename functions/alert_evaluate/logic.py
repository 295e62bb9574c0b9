"""Evaluating rules: each minute's window of each rule once, and everybody told once of what it came to.

Where a rule stands, its step and that somebody is to hear of it are written in one statement. Telling comes after: its
event and its notification carry the step's id as key, so that a crash in between costs a repeat nobody sees.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import structlog

from functions.alert_evaluate.conditions import Value
from functions.alert_evaluate.rules import Rule, span
from functions.alert_evaluate.states import Judged, Standing, State, after, change
from functions.alert_evaluate.store import Alert, Alerts, Noted
from shared.bus import Bus, Message
from shared.clock import Clock, to_datetime
from shared.events import CONTROL_TOPIC
from shared.freshness import Freshness
from shared.notifications import Notification, message_of
from shared.query.ask import Asker, Warehouse
from shared.query.identity import look
from shared.query.patterns import check_patterns
from shared.query.period import Period
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.timers import Timers, Window
from shared.warehouse.client import WarehouseError

log = structlog.get_logger()

TIMER = "alert_evaluate"
# Minutes that were missed and are judged later all the same, so that a short spike is not missed with its minute.
CATCH_UP = 10
AT_ONCE = 8
# Windows that a preview judges at most.
PREVIEWED = 200
MINUTE = timedelta(minutes=1)
_NOBODY = uuid.UUID(int=0)
# Who is told of a step that is so old was forgotten by whoever noted it.
_UNTOLD_SECONDS = 10.0
_TOLD_AT_ONCE = 100
_MOST_DETAIL = 2_000


class Previewed(msgspec.Struct, frozen=True):
    """A window of the past as a rule sees it: its end, its number, whether the condition held, where the rule stood."""

    at: datetime
    value: float | None
    holds: bool
    state: State


def ends_within(period: Period, window: timedelta) -> list[datetime]:
    """Ends of windows that cover a range, in whole minutes: each a window after the other, or further where many."""
    whole = period.end - period.start
    minutes = max(window // MINUTE, -(-whole // (PREVIEWED * MINUTE)))
    last = period.end.replace(second=0, microsecond=0)
    return [last - number * minutes * MINUTE for number in range(whole // (minutes * MINUTE))][::-1]


class Evaluator:
    """Judges rules and tells of what changes."""

    def __init__(
        self,
        *,
        alerts: Alerts,
        timers: Timers,
        warehouse: Warehouse,
        freshness: Freshness,
        bus: Bus,
        clock: Clock,
        public_url: str = "",
    ) -> None:
        self._alerts = alerts
        self._timers = timers
        self._warehouse = warehouse
        self._freshness = freshness
        self._bus = bus
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def tick(self) -> int:
        """Judge every window that is due; returns how many those were. Without rules it asks the catalog, nobody else.

        Raises UnavailableError where the catalog is away, or the bus with something to tell.
        """
        for noted in await self._alerts.untold(_UNTOLD_SECONDS, _TOLD_AT_ONCE):
            await self.tell(noted)
        return await self._timers.run(self._window)

    async def preview(self, rule: Rule, project_id: uuid.UUID, period: Period) -> list[Previewed]:
        """What the rule would have come to in a range of the past, window by window, at most PREVIEWED of them.

        Raises Rejected and UnavailableError, as every query does.
        """
        asker = Asker(self._warehouse, function=TIMER, measure=rule.query.measure, project_id=project_id)
        standing, steps = Standing(), []
        for end in ends_within(period, span(rule.window)):
            verdict = rule.judge(await self._numbers(rule, project_id, end, asker), firing=standing.state == "firing")
            standing = after(standing, Judged(verdict.holds, verdict.value), _NOBODY, end, span(rule.hold))
            steps.append(Previewed(end, verdict.value, verdict.holds, standing.state))
        return steps

    async def judge(self, rule: Rule, alert: Alert, end: datetime) -> Judged:
        """Whether a rule's condition holds for the window that ends there; unknown where nobody can know."""
        asker = Asker(self._warehouse, function=TIMER, measure=rule.query.measure)
        try:
            await self._freshness.wait(end)
            numbers = await self._numbers(rule, alert.project_id, end, asker)
        except UnavailableError as error:
            return Judged(None, code=Refusal.UNAVAILABLE, detail=str(error))
        except Rejected as rejected:
            return Judged(None, code=rejected.refusal, detail=rejected.detail[:_MOST_DETAIL])
        except WarehouseError as error:
            log.warning("rule not answered", alert=str(alert.id), detail=str(error))
            return Judged(None, code=Refusal.INTERNAL, detail="the warehouse refused the rule's query")
        verdict = rule.judge(numbers, firing=alert.state == "firing")
        return Judged(verdict.holds, verdict.value)

    async def _numbers(self, rule: Rule, project_id: uuid.UUID, end: datetime, asker: Asker) -> list[Value]:
        needs = rule.needs()
        personal = any(rule.wanted(need, project_id, end).personal for need in needs)
        identity = await look(project_id, asker) if personal else None
        numbers: list[Value] = []
        for need in needs:
            value = (await asker.ask(*rule.sql(need, project_id, end, identity))).value
            numbers.append(None if value is None else float(value))
        return numbers

    async def check(self, rule: Rule) -> None:
        """Refuse a rule that could never be judged: one with a regular expression that is not RE2 (`bad_filter`)."""
        for query in {id(need.query): need.query for need in rule.needs()}.values():
            await check_patterns(query.filters, self._warehouse, TIMER)

    async def now(self, alert: Alert) -> tuple[datetime, Judged]:
        """A rule judged for the window that ended with the last full minute; nothing changes by it."""
        end = to_datetime(self._clock.micros()).replace(second=0, microsecond=0)
        return end, await self.judge(alert.parsed, alert, end)

    async def _window(self, window: Window) -> None:
        alert = await self._alerts.find(uuid.UUID(window.item))
        if alert is None or alert.paused:
            await self._timers.remove(window.item)
            return
        if alert.evaluated_to is not None and alert.evaluated_to >= window.end:
            return
        rule = alert.parsed
        judged = await self.judge(rule, alert, window.end)
        now = after(alert.standing, judged, alert.id, window.end, span(rule.hold))
        step = change(alert.standing, now, alert.id, window.end)
        if not await self._alerts.save(alert, now, window.end, step) or step is None or not step.told:
            return
        noted = await self._alerts.noted(step.id)
        if noted is not None:
            try:
                await self.tell(noted)
            except UnavailableError as error:
                log.warning("told later", alert=str(alert.id), detail=str(error))

    async def tell(self, noted: Noted) -> None:
        """Publish a step's event and its notification, both under keys of its own, and note that it was."""
        values = told(noted, self._public_url)
        firing = noted.after == "firing"
        rule = msgspec.json.decode(noted.rule, type=Rule)
        notification = Notification(
            key=f"alert:{noted.id}",
            project_id=noted.project_id,
            template="alert_firing" if firing else "alert_resolved",
            values=values,
            language=rule.notify.language,
            emails=rule.notify.emails,
            webhooks=rule.notify.webhooks,
            subscribers="alert.firing" if firing else "alert.resolved",
        )
        await self._bus.publish(CONTROL_TOPIC, [_event(noted, values), message_of(notification)])
        await self._alerts.told(noted.id)
        log.info("alert told", alert=str(noted.alert_id), state=noted.after, incident=str(noted.incident_id))


def told(noted: Noted, public_url: str) -> dict[str, Any]:
    """What everybody is told of a step: the data of the event and of webhooks, the values of the mail."""
    rule = msgspec.json.decode(noted.rule, type=Rule)
    firing = noted.after == "firing"
    return {
        "alert_id": str(noted.alert_id),
        "incident_id": str(noted.incident_id),
        "project_id": str(noted.project_id),
        "name": rule.name,
        "state": "firing" if firing else "resolved",
        "severity": rule.severity,
        "condition": rule.described(),
        "measure": rule.query.measure,
        "value": noted.value,
        "threshold": getattr(rule.condition, "value", None),
        "window": rule.window,
        "for": rule.hold,
        "from": rule.period(noted.at).start.isoformat(),
        "to": noted.at.isoformat(),
        "at": noted.at.isoformat(),
        "since": noted.since.isoformat() if noted.since else None,
        "until": None if firing else noted.at.isoformat(),
        "project": noted.project,
        "link": f"{public_url}/app/alerts/{noted.alert_id}" if public_url else "",
    }


def event_type(state: str) -> str:
    """The type of the event that tells of a step."""
    return f"dev.sluice.alert.{state}.v1"


def _event(noted: Noted, values: dict[str, Any]) -> Message:
    attributes = {
        "specversion": "1.0",
        "id": str(noted.id),
        "source": "/sluice/alerts",
        "type": event_type(values["state"]),
        "time": values["at"].replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "project": str(noted.project_id),
        "subject": str(noted.alert_id),
    }
    return Message(attributes, msgspec.json.encode(values))

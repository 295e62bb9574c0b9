"""Telling of what fires and of what is over: events for other functions, notifications for people.

Both carry keys of the step they tell of, so that a crash between telling and noting it costs a repeat nobody sees. A
rule with a policy has its notifications sent by incidents: of it only the events are told.
"""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.states import dedup_key
from functions.alert_evaluate.store import Alerts, Noted
from shared.bus import Bus, Message
from shared.events import CONTROL_TOPIC
from shared.notifications import Notification, message_of

log = structlog.get_logger()

TOLD_AT_ONCE = 100


class Teller:
    """Publishes steps and notes that they were."""

    def __init__(self, alerts: Alerts, bus: Bus, public_url: str) -> None:
        self._alerts = alerts
        self._bus = bus
        self._public_url = public_url.rstrip("/")

    async def tell(self, change_ids: Sequence[uuid.UUID]) -> None:
        """Tell of noted steps, the oldest first; raises UnavailableError, and then the rest is told by a later tick."""
        for start in range(0, len(change_ids), TOLD_AT_ONCE):
            await self.tell_noted(await self._alerts.noted(change_ids[start : start + TOLD_AT_ONCE]))

    async def tell_noted(self, steps: Sequence[Noted]) -> None:
        """Publish these steps and note that they were told; raises UnavailableError."""
        if not steps:
            return
        await self._bus.publish(CONTROL_TOPIC, [message for step in steps for message in self._messages(step)])
        await self._alerts.told([step.id for step in steps])
        for step in steps:
            log.info("alert told", alert=str(step.alert_id), state=step.after, incident=str(step.incident_id))

    def _messages(self, noted: Noted) -> list[Message]:
        values = told(noted, self._public_url)
        event = _event(noted, values)
        rule = msgspec.json.decode(noted.rule, type=Rule)
        if rule.policy is not None:
            return [event]
        firing = noted.after == "firing"
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
        return [event, message_of(notification)]


def told(noted: Noted, public_url: str) -> dict[str, Any]:
    """What everybody is told of a step: the data of the event and of webhooks, the values of the mail."""
    rule = msgspec.json.decode(noted.rule, type=Rule)
    firing = noted.after == "firing"
    return {
        "alert_id": str(noted.alert_id),
        "incident_id": str(noted.incident_id),
        "project_id": str(noted.project_id),
        "dedup_key": dedup_key(noted.alert_id, noted.group_name),
        "group": noted.group_name,
        "policy": None if rule.policy is None else str(rule.policy),
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

"""Telling people: a batch of notices becomes one message to each of those it is for.

Mails and chats get all of a batch in one message; an on-call service, which keeps incidents itself, one each. Every
message has a key that follows from the batch, so that telling it again is no second message.
"""

import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from functions.incidents.links import Links
from functions.incidents.states import Incident, Notice, NoticeKind
from functions.incidents.store import Batch, Incidents, Waiting
from shared.bus import Bus, Message
from shared.channels import ON_CALL
from shared.events import CONTROL_TOPIC
from shared.failpoints import reach
from shared.notifications import Notification, Template, message_of

log = structlog.get_logger()

_MOST_BATCHES = 200
_SHOWN = 10
_MESSAGES = 100
_TEMPLATES: dict[NoticeKind, Template] = {
    "opened": "incident_opened",
    "escalated": "incident_escalated",
    "resolved": "incident_resolved",
}


class Teller:
    """Publishes what notify sends. `public_url` is what links begin with; without one there are none."""

    def __init__(self, bus: Bus, links: Links, public_url: str) -> None:
        self._bus = bus
        self._links = links
        self._public_url = public_url.rstrip("/")

    async def tell(self, incidents: Incidents) -> None:
        """Tell of every batch that was not told; raises UnavailableError, and what is left is told by the next call."""
        for batch in await incidents.untold(_MOST_BATCHES):
            waiting = await incidents.of_batch(batch.id)
            if waiting:
                messages = await self._messages(incidents, batch, waiting)
                for first in range(0, len(messages), _MESSAGES):
                    await self._bus.publish(CONTROL_TOPIC, messages[first : first + _MESSAGES])
                log.info("incidents told", batch=str(batch.id), incidents=len(waiting), messages=len(messages))
            reach("incidents.after_telling")
            await incidents.told(batch.id)

    async def _messages(self, incidents: Incidents, batch: Batch, waiting: Sequence[Waiting]) -> list[Message]:
        notice = waiting[0].notice
        on_call = await incidents.on_call(batch.project_id, notice.channels, sorted(ON_CALL))
        together = self._values(batch, notice, [one.incident for one in waiting])
        told = [self._notification(batch, notice, together, email=email) for email in notice.emails] + [
            self._notification(batch, notice, together, channel=channel)
            for channel in notice.channels
            if channel not in on_call
        ]
        for one in waiting if on_call else ():
            values = self._values(batch, notice, [one.incident])
            key = f"incident:{batch.id}:{one.incident.id}"
            told.append(_notification(key, batch, notice, values, channels=sorted(on_call)))
        return [message_of(one) for one in told]

    def _notification(
        self,
        batch: Batch,
        notice: Notice,
        values: dict[str, Any],
        *,
        email: str = "",
        channel: uuid.UUID | None = None,
    ) -> Notification:
        """To one recipient, with a link of their own where there is something to acknowledge."""
        who = email or str(channel)
        if notice.kind != "resolved" and self._public_url:
            values = {**values, "acknowledge": self._links.make(batch.id, who, notice.language)}
        key = f"incident:{batch.id}:{who}"[:300]
        channels = [channel] if channel is not None else []
        return _notification(key, batch, notice, values, emails=[email] if email else [], channels=channels)

    def _values(self, batch: Batch, notice: Notice, found: Sequence[Incident]) -> dict[str, Any]:
        """What everybody is told: of the one incident all there is, of several how many and the first ten."""
        listed = [self._line(one) for one in found[:_SHOWN]]
        most = {"count": len(found), "rules": len({one.rule_id for one in found}), "incidents": listed}
        values = {**most, "more": max(0, len(found) - _SHOWN), "project": batch.project}
        values |= {"project_id": str(batch.project_id), "state": "resolved" if notice.kind == "resolved" else "open"}
        if len(found) > 1:
            at = max(one.resolved_at or one.opened_at for one in found)
            return {**values, "link": self._address(batch.project_id), "at": at.isoformat()}
        [incident] = found
        kept = {**_said(incident), **values, "incident_id": str(incident.id), "name": incident.name}
        kept |= {"group": incident.group_name, "severity": incident.severity, "step": incident.step}
        kept |= {
            "since": incident.opened_at.isoformat(),
            "at": (incident.resolved_at or incident.opened_at).isoformat(),
        }
        kept["until"] = incident.resolved_at.isoformat() if incident.resolved_at else None
        return {**kept, "link": self._address(batch.project_id, incident)}

    def _line(self, incident: Incident) -> dict[str, Any]:
        said = _said(incident)
        line = {"incident_id": str(incident.id), "name": incident.name, "group": incident.group_name}
        return {**line, "severity": incident.severity, "value": said.get("value"), "since": said.get("since")}

    def _address(self, project_id: uuid.UUID, incident: Incident | None = None) -> str:
        if not self._public_url:
            return ""
        one = f"/{incident.id}" if incident is not None else ""
        return f"{self._public_url}/app/p/{project_id}/incidents{one}"


def _notification(
    key: str,
    batch: Batch,
    notice: Notice,
    values: dict[str, Any],
    *,
    emails: list[str] | None = None,
    channels: list[uuid.UUID] | None = None,
) -> Notification:
    return Notification(
        key=key,
        project_id=batch.project_id,
        template=_TEMPLATES[notice.kind],
        values=values,
        language=notice.language,
        emails=emails or [],
        webhooks=channels or [],
    )


def _said(incident: Incident) -> dict[str, Any]:
    """What its rule said last."""
    return msgspec.json.decode(incident.data, type=dict[str, Any])

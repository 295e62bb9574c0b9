"""What rules say of themselves, as events: that they fire and that it is over."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from functions.incidents.policies import Severity
from shared.bus import Message
from shared.ids import named
from shared.refusals import Refusal, Rejected

FIRING = "dev.sluice.alert.firing.v1"
RESOLVED = "dev.sluice.alert.resolved.v1"
_MOST_TEXT = 240


class Said(msgspec.Struct, frozen=True):
    """The fields of such an event that are read here; the others are kept and passed on."""

    project_id: uuid.UUID
    alert_id: uuid.UUID
    name: str
    at: datetime
    incident_id: uuid.UUID | None = None
    severity: Severity = "warning"
    dedup_key: str = ""
    group: str | None = ""
    policy: uuid.UUID | None = None


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One of them, read. `source_id` is the rule's own incident; the one it opens here has the same id."""

    event_id: str
    firing: bool
    project_id: uuid.UUID
    rule_id: uuid.UUID
    name: str
    group: str
    severity: Severity
    policy_id: uuid.UUID | None
    dedup_key: str
    source_id: uuid.UUID
    at: datetime
    data: str


def read(message: Message) -> Signal:
    """The signal of an event; refuses other events (`unexpected_event_type`) and unreadable ones (`bad_request`)."""
    event_type = message.attributes["type"]
    if event_type not in {FIRING, RESOLVED}:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, event_type)
    try:
        said = msgspec.json.decode(message.data, type=Said)
        data: dict[str, Any] = msgspec.json.decode(message.data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(Refusal.BAD_REQUEST, f"the event's data: {error}") from error
    if said.at.tzinfo is None:
        raise Rejected(Refusal.BAD_REQUEST, "the event's data: `at` has no offset")
    group = _clean(said.group or "")
    key = _clean(said.dedup_key) or (f"{said.alert_id}:{group}" if group else str(said.alert_id))
    source = said.incident_id or named(said.alert_id, "incident", key)
    return Signal(
        event_id=message.attributes["id"],
        firing=event_type == FIRING,
        project_id=said.project_id,
        rule_id=said.alert_id,
        name=_clean(said.name) or "alert",
        group=group,
        severity=said.severity,
        policy_id=said.policy,
        dedup_key=key,
        source_id=source,
        at=said.at,
        data=msgspec.json.encode(data).decode(),
    )


def _clean(text: str) -> str:
    """As the catalog keeps it: what an event holds of people's own may hold a null character, or be of any length."""
    return text.replace("\0", " ")[:_MOST_TEXT]

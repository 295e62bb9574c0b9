"""Notifications: what a function wants people and machines to hear, as one event for the function notify.

Whoever has something to tell calls `notify` and is done: the event is on the bus. notify makes one delivery a recipient
of it, once however often the event comes, and sees to it that each arrives or is shown as failed.
"""

import uuid
from typing import Any, Literal

import msgspec

from shared.bus import Bus, Message
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.events import CONTROL_TOPIC
from shared.ids import uuid7

REQUESTED = "dev.sluice.notification.requested.v1"
# Deliveries are due: from a timer, or from somebody who wants one sent again.
DUE = "dev.sluice.notification.due.v1"

Language = Literal["en", "ru"]
# What is sent: functions/notify/templates has a folder for each language with a file for each of these, but for
# WEBHOOKS_ONLY.
Template = Literal[
    "alert_firing",
    "alert_resolved",
    "incident_opened",
    "incident_escalated",
    "incident_resolved",
    "report_daily",
    "export_completed",
    "export_failed",
    "erasure_completed",
    "password_reset",
    "email_verification",
    "invitation",
    "new_sign_in",
    "webhook_disabled",
    "test",
    "event_matched",
    "retention_enforced",
    "ledger_gap",
    "quality_found",
    "quality_gone",
    "quality_digest",
]
WEBHOOKS_ONLY: frozenset[Template] = frozenset({"event_matched", "retention_enforced", "ledger_gap"})
# What a webhook can subscribe to; `event.matched` are events of the stream, the others are sent by `notify`.
Subscribed = Literal[
    "export.completed",
    "export.failed",
    "alert.firing",
    "alert.resolved",
    "report.ready",
    "erasure.completed",
    "retention.enforced",
    "ledger.gap",
    "quality.found",
    "quality.gone",
    "event.matched",
]
# What a webhook's body has as `type`, and what the log of deliveries shows.
TYPES: dict[Template, str] = {
    "alert_firing": "alert.firing",
    "alert_resolved": "alert.resolved",
    "incident_opened": "incident.opened",
    "incident_escalated": "incident.escalated",
    "incident_resolved": "incident.resolved",
    "report_daily": "report.ready",
    "export_completed": "export.completed",
    "export_failed": "export.failed",
    "erasure_completed": "erasure.completed",
    "password_reset": "account.password_reset",
    "email_verification": "account.email_verification",
    "invitation": "account.invitation",
    "new_sign_in": "account.new_sign_in",
    "webhook_disabled": "webhook.disabled",
    "test": "test",
    "event_matched": "event.matched",
    "retention_enforced": "retention.enforced",
    "ledger_gap": "ledger.gap",
    "quality_found": "quality.found",
    "quality_gone": "quality.gone",
    "quality_digest": "quality.digest",
}


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a mail: an object of the storage by its key.

    With a `cid` it is shown within the mail, where the template has a place for it, else attached as `name`.
    """

    key: str
    name: str
    type: str
    cid: str = ""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. Two with the same `key` and `project_id` are the same thing: the second is not sent again.

    `values` are JSON values: what the mail's template shows, and the `data` of the webhooks. `emails` get the mail in
    `language`. `webhooks` are ids of webhooks of the project, `subscribers` the event type whose subscribers among the
    project's webhooks get it as well; '' for none. What belongs to no project (account mails) has no webhooks. `files`
    go with the mails; one that is gone is left out.
    """

    key: str
    project_id: uuid.UUID | None
    template: Template
    values: dict[str, Any]
    language: Language = "en"
    emails: list[str] = []
    webhooks: list[uuid.UUID] = []
    subscribers: Subscribed | Literal[""] = ""
    files: list[File] = []


async def notify(bus: Bus, notification: Notification, traceparent: str = "") -> None:
    """Put a notification on the bus: durable when this returns, sent soon after.

    Raises BusUnavailableError (repeat unchanged: the key makes it one) and MessageTooLargeError for values near a MiB.
    """
    await bus.publish(CONTROL_TOPIC, [message_of(notification, traceparent)])


async def set_to_work(bus: Bus, traceparent: str = "") -> None:
    """Let notify look for deliveries that are due, before its timer would. Raises BusUnavailableError."""
    await bus.publish(CONTROL_TOPIC, [_message(f"due:{uuid7()}", DUE, b"{}", traceparent)])


def message_of(notification: Notification, traceparent: str = "") -> Message:
    """The event of a notification, for who publishes it with others."""
    event_id = f"{notification.project_id or 'account'}:{notification.key}"
    message = _message(event_id, REQUESTED, msgspec.json.encode(notification), traceparent)
    if notification.project_id is not None:
        message.attributes["project"] = str(notification.project_id)
    return message


def _message(event_id: str, event_type: str, data: bytes, traceparent: str) -> Message:
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/sluice/notification",
        "type": event_type,
        "time": to_datetime(SYSTEM_CLOCK.micros()).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    return Message(attributes, data)

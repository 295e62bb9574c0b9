"""Records of accepted events → notifications for the webhooks that want some of them."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from functions.webhooks.subscriptions import Subscription, Subscriptions
from shared.bus import Bus, Message
from shared.notifications import Notification, notify

MOST_EVENTS = 100
MOST_BYTES = 256 * 1024
_TIMES = ("timestamp", "received_at", "sent_at")
_INTERNAL = frozenset({"project_id", "batch_id", "properties_raw", "context_raw", *_TIMES})


async def watch(message: Message, subscriptions: Subscriptions, bus: Bus) -> None:
    """Tell the webhooks that want some of a record's events.

    Raises UnavailableError where bus or catalog is away: the record comes again, and makes the same deliveries.
    """
    wanting = await subscriptions.of(message.attributes.get("project", ""))
    if wanting:
        for notification in matched(message, wanting):
            await notify(bus, notification, message.attributes.get("traceparent", ""))


def matched(message: Message, wanting: Sequence[Subscription]) -> Iterator[Notification]:
    """What each webhook gets of a record, in parts; a record that comes again makes the same parts by name."""
    rows = [row for row in _rows(message.data) if row.get("project_id") == message.attributes["project"]]
    for subscription in wanting:
        wanted = [row for row in rows if subscription.matcher.matches(row)]
        for number, events in enumerate(_parts(wanted)):
            yield Notification(
                key=f"matched:{message.attributes['id']}:{number}:{subscription.webhook_id}",
                project_id=uuid.UUID(message.attributes["project"]),
                template="event_matched",
                values={"count": len(events), "events": events},
                webhooks=[subscription.webhook_id],
            )


def _parts(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The events of rows, at most MOST_EVENTS and about MOST_BYTES in a part."""
    part: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        event = shown(row)
        length = len(msgspec.json.encode(event))
        if part and (len(part) == MOST_EVENTS or size + length > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(event)
        size += length
    if part:
        yield part


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """An event as a receiver sees it: times in ISO 8601, empty fields left out."""
    times = {name: _moment(row[name]) for name in _TIMES if row.get(name)}
    more = {name: value for name, value in row.items() if name not in _INTERNAL and value not in ("", None, {})}
    return {**more, **times, "properties": row.get("properties_raw", {}), "context": row.get("context_raw", {})}


def _moment(text: str) -> str:
    return text.replace(" ", "T") + "Z"


def _rows(data: bytes) -> Iterator[dict[str, Any]]:
    """The rows of a record; what is none is passed over here: batch_write says what is wrong with it."""
    for line in data.splitlines():
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        yield row

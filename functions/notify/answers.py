"""Events → deliveries: one for each recipient of a notification, made once however often the event comes."""

import uuid

import msgspec
import structlog

from functions.notify.ports import Ports
from shared.bus import Message
from shared.catalog import notices
from shared.catalog.client import CatalogRefusedError
from shared.cloudevent import decode
from shared.http import Reply, Request
from shared.notifications import DUE, REQUESTED, TYPES, Notification
from shared.refusals import Refusal, Rejected

log = structlog.get_logger()

MAX_BODY_BYTES = 2 * 1024 * 1024
_MOST_RECIPIENTS = 1_000


async def deliver(request: Request, ports: Ports) -> Reply:
    """An event: what is to be told is queued durably, then sent in the background; a timer's only sets to work."""
    message = decode(request.headers, await request.body(MAX_BODY_BYTES))
    event_type = message.attributes["type"]
    if event_type == REQUESTED:
        await queue(_decoded(message.data), message, ports)
    elif event_type == DUE:
        await ports.deliveries.forget()
        await notices.forget(ports.catalog)
    else:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, event_type)
    ports.courier.wake()
    return Reply(204)


async def queue(told: Notification, message: Message, ports: Ports) -> None:
    """Make the deliveries; refuses what no repetition mends (`bad_request`)."""
    if not 1 <= len(told.key) <= 300 or len(told.emails) + len(told.webhooks) > _MOST_RECIPIENTS:  # noqa: PLR2004
        raise Rejected(Refusal.BAD_REQUEST, f"a key of 1 to 300 characters, at most {_MOST_RECIPIENTS} recipients")
    event_type = TYPES[told.template]
    made = 0
    said = {"template": told.template, "language": told.language, "values": told.values}
    content = msgspec.json.encode({**said, "files": told.files} if told.files else said)
    try:
        for address in dict.fromkeys(map(_clean, told.emails)):
            made += await ports.deliveries.queue_mail(told.project_id, told.key, event_type, address, content)
        if told.project_id is not None:
            made += await _queue_webhooks(told, told.project_id, event_type, message, ports)
        await notices.keep(ports.catalog, told)
    except CatalogRefusedError as error:
        raise Rejected(Refusal.BAD_REQUEST, str(error)) from error
    log.info("notification", key=told.key, template=told.template, deliveries=made)


async def _queue_webhooks(
    told: Notification, project_id: uuid.UUID, event_type: str, message: Message, ports: Ports
) -> int:
    wanted = set(told.webhooks)
    if told.subscribers:
        event_type = told.subscribers
        wanted.update(await ports.webhooks.subscribed(project_id, event_type))
    if not wanted:
        return 0
    body = {"type": event_type, "timestamp": message.attributes.get("time", ""), "data": told.values}
    content = msgspec.json.encode(body)
    return await ports.deliveries.queue_webhooks(project_id, told.key, event_type, sorted(wanted), content)


def _decoded(data: bytes) -> Notification:
    try:
        return msgspec.json.decode(data, type=Notification)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(Refusal.BAD_REQUEST, f"the event's data: {error}") from error


def _clean(address: str) -> str:
    return address.replace("\0", "").strip()[:320]

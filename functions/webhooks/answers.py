"""The addresses of webhooks and of their deliveries."""

import contextlib
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from functions.webhooks.asked import (
    MATCHED,
    DeliveriesAnswer,
    DeliveriesQuery,
    DeliveryAnswer,
    Queued,
    WebhookAnswer,
    WebhookChange,
    WebhookRequest,
    WebhooksAnswer,
)
from functions.webhooks.changes import Changes
from functions.webhooks.matching import Wanted
from functions.webhooks.ports import Ports
from shared.bus import BusUnavailableError
from shared.catalog.deliveries import delivery_id
from shared.catalog.webhooks import MOST_WEBHOOKS, STANDARD, Webhook, Webhooks, new_secret, place
from shared.http import Reply, Request, json_reply
from shared.ids import uuid7
from shared.notifications import Notification, notify, set_to_work
from shared.outgoing import OutgoingRefusedError
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected

WEBHOOKS = "/api/v1/webhooks"
WEBHOOK = f"{WEBHOOKS}/{{id}}"
ROTATE, TEST = f"{WEBHOOK}/rotate", f"{WEBHOOK}/test"
ENABLE, DISABLE = f"{WEBHOOK}/enable", f"{WEBHOOK}/disable"
OF_WEBHOOK = f"{WEBHOOK}/deliveries"
DELIVERIES = f"{WEBHOOKS}/deliveries"
DELIVERY = f"{DELIVERIES}/{{id}}"
RESEND = f"{DELIVERY}/resend"


async def answer(changes: Changes) -> Reply:
    """Answer one of the addresses above; another project's webhooks and deliveries are as unknown as none."""
    request, ports, project_id = changes.request, changes.ports, changes.project_id
    method, path = request.method, request.path
    if path == WEBHOOKS and method == "POST":
        return await _create(changes)
    if path == WEBHOOKS and method == "GET":
        found = await ports.webhooks.page(project_id)
        return json_reply(WebhooksAnswer([WebhookAnswer.of(one) for one in found]))
    if path == DELIVERIES and method == "GET":
        return json_reply(await _deliveries(request, ports, project_id, None))
    if (named := match(DELIVERY, path)) and method == "GET":
        return json_reply(await _delivery(read_id(named["id"]), ports, project_id))
    if (named := match(RESEND, path)) and method == "POST":
        return await _resend(read_id(named["id"]), request, ports, project_id)
    return await _of_one(changes)


async def _of_one(changes: Changes) -> Reply:
    for template in dict.fromkeys(template for _, template in _ACTIONS):
        if named := match(template, changes.request.path):
            webhook = await changes.ports.webhooks.find(read_id(named["id"]), changes.project_id)
            if webhook is None or webhook.kind != STANDARD:
                raise unknown("webhook")
            action = _ACTIONS.get((changes.request.method, template))
            if action is None:
                raise Rejected(Refusal.METHOD_NOT_ALLOWED)
            return await action(changes, webhook)
    raise Rejected(Refusal.NOT_FOUND, f"webhooks are at {WEBHOOKS}, one of them at {WEBHOOK}")


async def _create(changes: Changes) -> Reply:
    asked = from_json(await changes.request.body(MAX_QUERY_BYTES), WebhookRequest)
    types = list(dict.fromkeys(asked.types))
    await _check(changes.ports, asked.url, types, asked.filter)
    webhook_id, secret = uuid7(), new_secret()

    async def create(webhooks: Webhooks) -> Webhook | None:
        return await webhooks.create(
            webhook_id,
            changes.project_id,
            url=asked.url,
            description=asked.description,
            types=types,
            filter_json=_json(asked.filter or Wanted()),
            secret=changes.ports.box.seal(secret, place(changes.project_id, webhook_id)),
        )

    webhook = await changes.make("created", create)
    if webhook is None:
        raise Rejected(Refusal.CONFLICT, f"a project has at most {MOST_WEBHOOKS} webhooks; remove one")
    reply = json_reply(WebhookAnswer.of(webhook, secret), 201)
    reply.headers["location"] = f"{WEBHOOKS}/{webhook.id}"
    return reply


async def _change(changes: Changes, webhook: Webhook) -> Reply:
    asked = from_json(await changes.request.body(MAX_QUERY_BYTES), WebhookChange)
    types = None if asked.types is None else list(dict.fromkeys(asked.types))
    await _check(changes.ports, asked.url, types or webhook.types, asked.filter)

    async def change(webhooks: Webhooks) -> Webhook | None:
        if asked.enabled is False:
            await webhooks.disable(webhook.id, "")
        return await webhooks.change(
            webhook.id,
            webhook.project_id,
            url=asked.url,
            description=asked.description,
            types=types,
            filter_json=None if asked.filter is None else _json(asked.filter),
            enabled=asked.enabled,
        )

    return _answered(await changes.make("changed", change, webhook))


async def _check(ports: Ports, url: str | None, types: list[Any], wanted: Wanted | None) -> None:
    """Refuse what can be known to fail: an address we do not connect to, a filter of no use."""
    if wanted is not None:
        if MATCHED not in types and wanted != Wanted():
            raise Rejected(Refusal.BAD_FILTER, f"`filter` goes with the type {MATCHED}")
        wanted.check()
    if url is not None:
        try:
            await ports.outgoing.check(url)
        except OutgoingRefusedError as error:
            raise Rejected(Refusal.BAD_DESTINATION, f"`url`: {error}") from error


async def _show(_changes: Changes, webhook: Webhook) -> Reply:
    return json_reply(WebhookAnswer.of(webhook))


async def _remove(changes: Changes, webhook: Webhook) -> Reply:
    async def remove(webhooks: Webhooks) -> None:
        await webhooks.remove(webhook.id, webhook.project_id)

    await changes.make("removed", remove, webhook)
    return Reply(204)


async def _rotate(changes: Changes, webhook: Webhook) -> Reply:
    secret = new_secret()
    sealed = changes.ports.box.seal(secret, place(webhook.project_id, webhook.id))
    rotated = await changes.make("rotated", lambda kept: kept.rotate(webhook.id, webhook.project_id, sealed), webhook)
    return _answered(rotated, secret)


async def _enable(changes: Changes, webhook: Webhook) -> Reply:
    def enable(webhooks: Webhooks) -> Awaitable[Webhook | None]:
        return webhooks.change(webhook.id, webhook.project_id, enabled=True)

    return _answered(await changes.make("enabled", enable, webhook))


async def _disable(changes: Changes, webhook: Webhook) -> Reply:
    """What waits for it fails, and can be sent again once it is enabled."""

    async def disable(webhooks: Webhooks) -> Webhook | None:
        await webhooks.disable(webhook.id, "")
        return await webhooks.find(webhook.id, webhook.project_id)

    return _answered(await changes.make("disabled", disable, webhook))


async def log_of(changes: Changes, webhook: Webhook) -> Reply:
    """Its deliveries."""
    return json_reply(await _deliveries(changes.request, changes.ports, webhook.project_id, webhook.id))


async def send_test(changes: Changes, webhook: Webhook) -> Reply:
    """Send a delivery of the type `test`; 202 with its id once the bus has it."""
    if not webhook.enabled:
        raise Rejected(Refusal.CONFLICT, "it is disabled; enable it first")
    key = f"test:{uuid7()}"
    values = {"message": "This is a test.", "webhook_id": webhook.id}
    notification = Notification(
        key=key, project_id=webhook.project_id, template="test", values=values, webhooks=[webhook.id]
    )
    await notify(changes.ports.bus, notification, changes.request.traceparent)
    return json_reply(Queued(delivery_id(webhook.project_id, key, str(webhook.id)), "queued"), 202)


async def _deliveries(
    request: Request, ports: Ports, project_id: uuid.UUID, webhook_id: uuid.UUID | None
) -> DeliveriesAnswer:
    query = from_address(request.address.partition("?")[2], DeliveriesQuery)
    found = await ports.deliveries.page(
        project_id, webhook_id=webhook_id, state=query.state or "", before=query.before(), most=query.limit + 1
    )
    return DeliveriesAnswer.of(found, query.limit)


async def _delivery(wanted: uuid.UUID, ports: Ports, project_id: uuid.UUID) -> DeliveryAnswer:
    found = await ports.deliveries.find(wanted, project_id)
    if found is None:
        raise unknown("delivery")
    return DeliveryAnswer(**msgspec.structs.asdict(found), log=await ports.deliveries.attempts(wanted))


async def _resend(wanted: uuid.UUID, request: Request, ports: Ports, project_id: uuid.UUID) -> Reply:
    if await ports.deliveries.find(wanted, project_id) is None:
        raise unknown("delivery")
    if not await ports.deliveries.resend(wanted, project_id):
        raise Rejected(Refusal.CONFLICT, "it is still under way, or its webhook is disabled")
    with contextlib.suppress(BusUnavailableError):  # notify's timer finds it then
        await set_to_work(ports.bus, request.traceparent)
    return json_reply(Queued(wanted, "queued"), 202)


def _answered(webhook: Webhook | None, secret: str = "") -> Reply:
    if webhook is None:
        raise unknown("webhook")
    return json_reply(WebhookAnswer.of(webhook, secret))


def unknown(what: str) -> Rejected:
    """The refusal of what the project does not have."""
    return Rejected(Refusal.NOT_FOUND, f"there is no such {what}")


def read_id(text: str) -> uuid.UUID:
    """The id in an address; what cannot be one is as unknown as one that never was (`not_found`)."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Rejected(Refusal.NOT_FOUND, f"{text[:80]!r} is no id") from None


def _json(wanted: Wanted) -> str:
    return msgspec.json.encode(wanted).decode()


_ACTIONS: dict[tuple[str, str], Callable[[Changes, Webhook], Awaitable[Reply]]] = {
    ("GET", WEBHOOK): _show,
    ("PATCH", WEBHOOK): _change,
    ("DELETE", WEBHOOK): _remove,
    ("POST", ROTATE): _rotate,
    ("POST", TEST): send_test,
    ("POST", ENABLE): _enable,
    ("POST", DISABLE): _disable,
    ("GET", OF_WEBHOOK): log_of,
}

"""The addresses of channels: webhooks in the shape of a chat or an on-call service (see shared.channels)."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec

from functions.webhooks.answers import log_of, read_id, send_test, unknown
from functions.webhooks.asked import MATCHED, Types
from functions.webhooks.changes import Changes
from functions.webhooks.ports import Ports
from shared.catalog.webhooks import MOST_WEBHOOKS, STANDARD, Webhook, Webhooks, place
from shared.channels import ON_CALL, Options, Target, read_options
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.notifications import Language, Subscribed
from shared.outgoing import OutgoingRefusedError
from shared.paths import match
from shared.query.request import MAX_QUERY_BYTES, from_json
from shared.refusals import Refusal, Rejected

CHANNELS = "/api/v1/channels"
CHANNEL = f"{CHANNELS}/{{id}}"
TEST = f"{CHANNEL}/test"
OF_CHANNEL = f"{CHANNEL}/deliveries"

_ALERTS: tuple[Subscribed, ...] = ("alert.firing", "alert.resolved")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\u0000]*$")]


class ChannelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new channel: `types` are what it is told of unasked, besides what names it; `language` is that of its words."""

    name: Name
    target: Target
    types: Types = msgspec.field(default_factory=lambda: list(_ALERTS))
    language: Language = "en"


class ChannelChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be changed; what is left out stays. A `target` is given whole, with its secret."""

    name: Name | None = None
    target: Target | None = None
    types: Types | None = None
    language: Language | None = None
    enabled: bool | None = None


class ChannelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A channel without its secret: `url` is where it leads, as far as that is none."""

    id: uuid.UUID
    name: str
    type: str
    url: str
    chat_id: str | None
    types: list[str]
    language: Language
    enabled: bool
    disabled_reason: str
    failing_since: datetime | None
    last_delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, channel: Webhook) -> Self:
        """The answer for a row of `webhooks`."""
        options = read_options(channel.options)
        return cls(
            id=channel.id,
            name=channel.description,
            type=channel.kind,
            url=channel.url,
            chat_id=options.chat_id or None,
            types=channel.types,
            language=options.language,
            enabled=channel.enabled,
            disabled_reason=channel.disabled_reason,
            failing_since=channel.failing_since,
            last_delivered_at=channel.last_delivered_at,
            created_at=channel.created_at,
            updated_at=channel.updated_at,
        )


class ChannelsAnswer(msgspec.Struct, frozen=True):
    """All channels of a project, the oldest first."""

    items: list[ChannelAnswer]


async def answer(changes: Changes) -> Reply:
    """Answer one of the addresses above; another project's channels are as unknown as none."""
    method, path = changes.request.method, changes.request.path
    if path == CHANNELS:
        if method == "POST":
            return await _create(changes)
        if method != "GET":
            raise Rejected(Refusal.METHOD_NOT_ALLOWED, "channels are listed with GET and made with POST")
        found = await changes.ports.webhooks.page(changes.project_id, channels=True)
        return json_reply(ChannelsAnswer([ChannelAnswer.of(one) for one in found]))
    for template, actions in _ACTIONS.items():
        if named := match(template, path):
            channel = await changes.ports.webhooks.find(read_id(named["id"]), changes.project_id)
            if channel is None or channel.kind == STANDARD:
                raise unknown("channel")
            if method not in actions:
                raise Rejected(Refusal.METHOD_NOT_ALLOWED)
            return await actions[method](changes, channel)
    raise Rejected(Refusal.NOT_FOUND, f"channels are at {CHANNELS}, one of them at {CHANNEL}")


async def _create(changes: Changes) -> Reply:
    asked = from_json(await changes.request.body(MAX_QUERY_BYTES), ChannelRequest)
    target, types = asked.target, list(dict.fromkeys(asked.types))
    await _check(changes.ports, target.kind, types, target)
    channel_id = uuid7()

    async def create(webhooks: Webhooks) -> Webhook | None:
        return await webhooks.create(
            channel_id,
            changes.project_id,
            url=target.shown,
            description=asked.name,
            types=types,
            filter_json="{}",
            secret=changes.ports.box.seal(target.secret, place(changes.project_id, channel_id)),
            kind=target.kind,
            options=_options(target.options | {"language": asked.language}),
        )

    channel = await changes.make("created", create)
    if channel is None:
        raise Rejected(Refusal.CONFLICT, f"a project has at most {MOST_WEBHOOKS} webhooks and channels; remove one")
    reply = json_reply(ChannelAnswer.of(channel), 201)
    reply.headers["location"] = f"{CHANNELS}/{channel.id}"
    return reply


async def _change(changes: Changes, channel: Webhook) -> Reply:
    asked = from_json(await changes.request.body(MAX_QUERY_BYTES), ChannelChange)
    target, types = asked.target, None if asked.types is None else list(dict.fromkeys(asked.types))
    if target is not None and target.kind != channel.kind:
        raise Rejected(Refusal.BAD_DESTINATION, f"it is a channel to {channel.kind}; make another for {target.kind}")
    await _check(changes.ports, channel.kind, types or channel.types, target)
    options = msgspec.to_builtins(read_options(channel.options))
    options |= {} if target is None else target.options
    options |= {} if asked.language is None else {"language": asked.language}

    async def change(webhooks: Webhooks) -> Webhook | None:
        if asked.enabled is False:
            await webhooks.disable(channel.id, "")
        sealed = (
            None if target is None else changes.ports.box.seal(target.secret, place(channel.project_id, channel.id))
        )
        return await webhooks.change(
            channel.id,
            channel.project_id,
            url=None if target is None else target.shown,
            description=asked.name,
            types=types,
            enabled=asked.enabled,
            options=_options(options),
            secret=sealed,
        )

    changed = await changes.make("changed", change, channel)
    if changed is None:
        raise unknown("channel")
    return json_reply(ChannelAnswer.of(changed))


async def _show(_changes: Changes, channel: Webhook) -> Reply:
    return json_reply(ChannelAnswer.of(channel))


async def _remove(changes: Changes, channel: Webhook) -> Reply:
    async def remove(webhooks: Webhooks) -> None:
        await webhooks.remove(channel.id, channel.project_id)

    await changes.make("removed", remove, channel)
    return Reply(204)


async def _check(ports: Ports, kind: str, types: list[Any], target: Target | None) -> None:
    """Refuse what can be known to fail: an address we do not connect to, a type the kind has no words for."""
    if MATCHED in types:
        raise Rejected(Refusal.BAD_DESTINATION, f"{MATCHED} is for webhooks: an event is nothing to read")
    if kind in ON_CALL and not set(types) <= set(_ALERTS):
        raise Rejected(Refusal.BAD_DESTINATION, f"{kind} keeps incidents: it takes {' and '.join(_ALERTS)} only")
    if target is not None:
        try:
            await ports.outgoing.check(target.url)
        except OutgoingRefusedError as error:
            raise Rejected(Refusal.BAD_DESTINATION, f"`target.url`: {error}") from error


def _options(values: dict[str, Any]) -> str:
    return msgspec.json.encode(msgspec.convert(values, Options)).decode()


_Action = Callable[[Changes, Webhook], Awaitable[Reply]]
_ACTIONS: dict[str, dict[str, _Action]] = {
    CHANNEL: {"GET": _show, "PATCH": _change, "DELETE": _remove},
    TEST: {"POST": send_test},
    OF_CHANNEL: {"GET": log_of},
}

"""What the addresses of webhooks take and give."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Self

import msgspec

from functions.webhooks.matching import Wanted
from shared.catalog.deliveries import Attempt, Shown, State, Whole
from shared.catalog.webhooks import SECRET_PREFIX, Webhook
from shared.clock import to_datetime, to_micros
from shared.config import MASK
from shared.notifications import Subscribed
from shared.outgoing import MOST_URL
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.refusals import Refusal, Rejected

MATCHED = "event.matched"
_MOST_TYPES = 20
_LATEST = 253_402_300_799_000_000  # the last second of 9999, in microseconds

Url = Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_URL)]
Types = Annotated[list[Subscribed], msgspec.Meta(min_length=1, max_length=_MOST_TYPES)]
Description = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\u0000]*$")]


class WebhookRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new webhook; `filter` says which events of the stream `event.matched` is about, by default all."""

    url: Url
    types: Types
    filter: Wanted | None = None
    description: Description = ""


class WebhookChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is to be changed; what is left out stays."""

    url: Url | None = None
    types: Types | None = None
    filter: Wanted | None = None
    description: Description | None = None
    enabled: bool | None = None


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. `secret` is masked but in the answers that made it or gave it a new one.

    `failing_since`: the first try that failed since something arrived; `disabled_reason` where it was disabled for it.
    """

    id: uuid.UUID
    url: str
    types: list[str]
    filter: Any
    description: str
    secret: str
    previous_secret_until: datetime | None
    enabled: bool
    disabled_reason: str
    failing_since: datetime | None
    last_delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, webhook: Webhook, secret: str = "") -> Self:
        """The answer for a webhook, with its clear secret or without."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            types=webhook.types,
            filter=msgspec.json.decode(webhook.filter),
            description=webhook.description,
            secret=secret or SECRET_PREFIX + MASK,
            previous_secret_until=webhook.previous_until,
            enabled=webhook.enabled,
            disabled_reason=webhook.disabled_reason,
            failing_since=webhook.failing_since,
            last_delivered_at=webhook.last_delivered_at,
            created_at=webhook.created_at,
            updated_at=webhook.updated_at,
        )


class WebhooksAnswer(msgspec.Struct, frozen=True):
    """All webhooks of a project, the oldest first."""

    items: list[WebhookAnswer]


class Queued(msgspec.Struct, frozen=True):
    """What is on its way: a delivery, to be looked at until it has arrived."""

    id: uuid.UUID
    state: State


class DeliveriesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which deliveries."""

    state: State | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def before(self) -> tuple[datetime, uuid.UUID] | None:
        """Where the page before ended; refuses a cursor that is none (`bad_cursor`)."""
        if not self.cursor:
            return None
        micros, _, text = self.cursor.partition(".")
        try:
            found = uuid.UUID(text)
        except ValueError:
            found = None
        if found is None or not (micros.isascii() and micros.isdecimal()) or int(micros[:20]) > _LATEST:
            raise Rejected(Refusal.BAD_CURSOR)
        return to_datetime(int(micros)), found


class DeliveriesAnswer(msgspec.Struct, frozen=True):
    """Deliveries, the newest first; `next_cursor` is null on the last page."""

    items: list[Shown]
    next_cursor: str | None

    @classmethod
    def of(cls, found: list[Shown], limit: int) -> Self:
        """A page out of one more than it may hold."""
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        return cls(page, f"{to_micros(last.created_at)}.{last.id}" if last else None)


class DeliveryAnswer(Whole, frozen=True, kw_only=True):
    """A delivery with what is sent and each try: when, how long, the status and the beginning of the answer."""

    log: list[Attempt]

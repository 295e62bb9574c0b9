"""Deliveries in the catalog: one thing for one recipient, tried until it arrives or is given up, with a log.

The id follows from project, key and recipient, so that what is asked for twice is one delivery, and a receiver knows a
repeat by it.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from shared.catalog.client import Catalog, Row
from shared.ids import named

State = Literal["queued", "delivered", "failed"]
KEPT_DAYS = 30
# What waits for one webhook at most; who lets more pile up is disabled.
MOST_WAITING = 10_000
_NAMESPACE = uuid.UUID("6d9a2c1e-8a5b-4f0e-9d57-3c1c7a4be6f2")
_FORGOTTEN_AT_ONCE = 1_000


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery under way: to `address` by mail, or to the webhook at `url`, signed with its secrets.

    A webhook of another `kind` than `standard` is a channel (see shared.channels), with its `options` as JSON.

    `content` is a webhook's body or a mail's JSON; `tries` counts those since it was made or sent again.
    """

    id: uuid.UUID
    project_id: uuid.UUID | None
    webhook_id: uuid.UUID | None
    address: str | None
    key: str
    event_type: str
    content: str
    attempts: int
    tries: int
    created_at: datetime
    kind: str | None = None
    options: str | None = None
    url: str | None = None
    secret: str | None = None
    previous_secret: str | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery as its project sees it."""

    id: uuid.UUID
    webhook_id: uuid.UUID | None
    address: str | None
    event_type: str
    state: State
    attempts: int
    error: str
    created_at: datetime
    next_at: datetime | None
    finished_at: datetime | None


class Whole(Shown, frozen=True, kw_only=True):
    """The same with what is sent."""

    content: str


class Attempt(msgspec.Struct, frozen=True):
    """One attempt: the HTTP or SMTP status and the answer's beginning, or why there was none."""

    number: int
    at: datetime
    took_ms: int
    status: int | None
    error: str
    answer: str


class Trouble(msgspec.Struct, frozen=True):
    """What an attempt that failed says of its webhook; all but `waiting` null for a mail."""

    webhook_id: uuid.UUID | None
    failing_since: datetime | None
    url: str | None
    now: datetime
    waiting: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt went. `error` is '' where it arrived, `final` where trying again is no use."""

    status: int | None = None
    error: str = ""
    answer: str = ""
    final: bool = False
    gone: bool = False
    retry_after: float = 0.0


def delivery_id(project_id: uuid.UUID | None, key: str, recipient: str) -> uuid.UUID:
    """The id of what `key` names for one recipient: the id of a webhook, or an e-mail address."""
    return named(_NAMESPACE, project_id or "", key, recipient)


class Deliveries:
    """All deliveries. Every call raises CatalogUnavailableError where the catalog is away."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def queue_mail(
        self, project_id: uuid.UUID | None, key: str, event_type: str, address: str, content: bytes
    ) -> bool:
        """A mail to send; False where it was there already."""
        values = {"id": delivery_id(project_id, key, address.lower()), "project_id": project_id, "address": address}
        more = {"key": key, "event_type": event_type, "content": _text(content)}
        return bool(await self._catalog.rows("queue_mail", {**values, **more}))

    async def queue_webhooks(
        self, project_id: uuid.UUID, key: str, event_type: str, webhook_ids: Sequence[uuid.UUID], content: bytes
    ) -> int:
        """The same content for those of the webhooks that are the project's and enabled; how many are new."""
        ids = [delivery_id(project_id, key, str(webhook_id)) for webhook_id in webhook_ids]
        values = {"project_id": project_id, "webhook_ids": list(webhook_ids), "ids": ids, "key": key}
        more = {"event_type": event_type, "content": _text(content)}
        return len(await self._catalog.rows("queue_webhooks", {**values, **more}))

    async def claim(self, lease: uuid.UUID, *, seconds: float, each: int, most: int) -> list[Delivery]:
        """Take up to `most` that are due, at most `each` of one recipient under way at once."""
        values = {"lease": lease, "seconds": seconds, "each": each, "most": most}
        return [Delivery(**row) for row in await self._catalog.rows("claim_deliveries", values)]

    async def seconds_to_next(self) -> float | None:
        """In how many seconds the next one is due, a held one when its lease ends; None where none waits."""
        [row] = await self._catalog.rows("next_delivery")
        seconds: float | None = row["seconds"]
        return seconds

    async def arrived(self, delivery: Delivery, lease: uuid.UUID, took_ms: int, outcome: Outcome) -> bool:
        """Note it as delivered; False where the lease had ended."""
        values = {"id": delivery.id, "lease": lease, "took_ms": took_ms}
        shown = {"status": outcome.status, "answer": _shown(outcome.answer)}
        return bool(await self._catalog.rows("delivered", {**values, **shown}))

    async def failed(
        self, delivery: Delivery, lease: uuid.UUID, took_ms: int, outcome: Outcome, delay: float | None
    ) -> Trouble | None:
        """Note an attempt that failed; the next is due in `delay` seconds, None for none. None: the lease had ended."""
        values = {"id": delivery.id, "lease": lease, "took_ms": took_ms, "delay": delay, "most": MOST_WAITING}
        shown = {"status": outcome.status, "error": _shown(outcome.error), "answer": _shown(outcome.answer)}
        rows = await self._catalog.rows("not_delivered", {**values, **shown})
        return Trouble(**rows[0]) if rows else None

    async def page(
        self,
        project_id: uuid.UUID,
        *,
        webhook_id: uuid.UUID | None,
        state: str,
        before: tuple[datetime, uuid.UUID] | None,
        most: int,
    ) -> list[Shown]:
        """A project's deliveries, the newest first."""
        values = {"project_id": project_id, "webhook_id": webhook_id, "state": state, "most": most}
        at, last = before or (None, None)
        rows = await self._catalog.rows("list_deliveries", {**values, "before_at": at, "before_id": last})
        return [Shown(**row) for row in rows]

    async def find(self, delivery: uuid.UUID, project_id: uuid.UUID) -> Whole | None:
        """One of a project, with its content."""
        rows = await self._catalog.rows("find_delivery", {"id": delivery, "project_id": project_id})
        return Whole(**rows[0]) if rows else None

    async def attempts(self, delivery: uuid.UUID) -> list[Attempt]:
        """Its log."""
        return [Attempt(**row) for row in await self._catalog.rows("delivery_attempts", {"id": delivery})]

    async def resend(self, delivery: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Send it again; False where it is still under way or its webhook is disabled."""
        return bool(await self._catalog.rows("resend_delivery", {"id": delivery, "project_id": project_id}))

    async def forget(self, days: int = KEPT_DAYS) -> int:
        """Forget those that ended so many days ago; how many those were, a part of them at a time."""
        rows: list[Row] = await self._catalog.rows("forget_deliveries", {"days": days, "most": _FORGOTTEN_AT_ONCE})
        return len(rows)


def _text(content: bytes) -> str:
    return content.decode()


def _shown(text: str) -> str:
    return text.replace("\0", " ")[:1_000]

"""Webhooks in the catalog: addresses of a project's own receivers, with the secret that signs what they get."""

import secrets
import uuid
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.catalog.client import Queries, Row
from shared.refusals import Refusal, Rejected

MOST_WEBHOOKS = 50
# The kind of a webhook that is no channel.
STANDARD = "standard"
# For how long the old secret signs beside the new one.
OVERLAP_SECONDS = 24 * 3_600
_SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 (the prefix every such secret has)


class Webhook(msgspec.Struct, frozen=True):
    """A row of `webhooks`; `filter` and `options` are JSON texts, `secret` is sealed. `kind`: see shared.channels.

    `previous_until`: until then the old one signs. `failing_since` is the first attempt that
    failed after the last delivery.
    """

    id: uuid.UUID
    project_id: uuid.UUID
    kind: str
    options: str
    url: str
    description: str
    types: list[str]
    filter: str
    secret: str
    previous_until: datetime | None
    enabled: bool
    disabled_reason: str
    failing_since: datetime | None
    last_delivered_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Matching(msgspec.Struct, frozen=True):
    """A webhook that wants events of the stream, and which."""

    id: uuid.UUID
    project_id: uuid.UUID
    filter: str


class Webhooks:
    """The webhooks of all projects, in a catalog or a transaction.

    Every call raises CatalogUnavailableError where the catalog is away.
    """

    def __init__(self, catalog: Queries) -> None:
        self._catalog = catalog

    async def create(
        self,
        webhook_id: uuid.UUID,
        project_id: uuid.UUID,
        *,
        url: str,
        description: str,
        types: Sequence[str],
        filter_json: str,
        secret: str,
        kind: str = STANDARD,
        options: str = "{}",
    ) -> Webhook | None:
        """A new webhook, `secret` sealed at its place; None where the project has MOST_WEBHOOKS already.

        In a transaction: it holds the project's row, so that two at once count each other.
        """
        values = {"url": url, "description": description, "types": list(types), "filter": filter_json}
        more = {"id": webhook_id, "project_id": project_id, "secret": secret, "most": MOST_WEBHOOKS}
        values |= {"kind": kind, "options": options}
        await self._catalog.rows("lock_project", {"project_id": project_id})
        return _one(await self._catalog.rows("create_webhook", {**values, **more}))

    async def find(self, webhook_id: uuid.UUID, project_id: uuid.UUID) -> Webhook | None:
        """The webhook, if it is the project's."""
        return _one(await self._catalog.rows("find_webhook", {"id": webhook_id, "project_id": project_id}))

    async def require(self, webhook_ids: Sequence[uuid.UUID], project_id: uuid.UUID) -> None:
        """Refuse webhooks that the project does not have (`bad_destination`)."""
        for webhook_id in webhook_ids:
            if await self.find(webhook_id, project_id) is None:
                raise Rejected(Refusal.BAD_DESTINATION, f"the project has no webhook {webhook_id}")

    async def page(self, project_id: uuid.UUID, *, channels: bool = False) -> list[Webhook]:
        """All of a project, the oldest first: its webhooks proper, or its channels."""
        values = {"project_id": project_id, "channels": channels}
        return [Webhook(**row) for row in await self._catalog.rows("list_webhooks", values)]

    async def change(
        self,
        webhook_id: uuid.UUID,
        project_id: uuid.UUID,
        *,
        url: str | None = None,
        description: str | None = None,
        types: Sequence[str] | None = None,
        filter_json: str | None = None,
        enabled: bool | None = None,
        options: str | None = None,
        secret: str | None = None,
    ) -> Webhook | None:
        """Change what is given; None where there is no such webhook. A `secret`, sealed, takes the other's place."""
        values = {"url": url, "description": description, "types": None if types is None else list(types)}
        more = {"filter": filter_json, "enabled": enabled, "id": webhook_id, "project_id": project_id}
        values |= {"options": options, "secret": secret}
        return _one(await self._catalog.rows("change_webhook", {**values, **more}))

    async def rotate(self, webhook_id: uuid.UUID, project_id: uuid.UUID, secret: str) -> Webhook | None:
        """Give it another secret, sealed at its place; the old one signs as well for OVERLAP_SECONDS."""
        values = {"id": webhook_id, "project_id": project_id, "secret": secret, "seconds": OVERLAP_SECONDS}
        return _one(await self._catalog.rows("rotate_webhook", values))

    async def remove(self, webhook_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Forget it with its deliveries; False where there is none."""
        return bool(await self._catalog.rows("remove_webhook", {"id": webhook_id, "project_id": project_id}))

    async def matching(self) -> list[Matching]:
        """Those of all projects that want events of the stream."""
        return [Matching(**row) for row in await self._catalog.rows("matching_webhooks")]

    async def subscribed(self, project_id: uuid.UUID, event_type: str) -> list[uuid.UUID]:
        """The ids of a project's enabled webhooks that want this type."""
        values = {"project_id": project_id, "event_type": event_type}
        return [row["id"] for row in await self._catalog.rows("subscribed_webhooks", values)]

    async def disable(self, webhook_id: uuid.UUID, reason: str) -> int:
        """Send nothing more to it; returns how many deliveries that waited have failed now."""
        return len(await self._catalog.rows("disable_webhook", {"id": webhook_id, "reason": reason}))


def new_secret() -> str:
    """A new clear secret, in the form of Standard Webhooks."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def place(project_id: uuid.UUID | None, webhook_id: uuid.UUID | None) -> str:
    """Where a webhook's secret is at home: sealed for one, it opens for no other."""
    return f"webhook:{project_id}:{webhook_id}"


def _one(rows: list[Row]) -> Webhook | None:
    return Webhook(**rows[0]) if rows else None

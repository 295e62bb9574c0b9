"""Webhooks that do not work: disabled when it lasts, and the people who can mend it are told."""

import uuid
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import structlog

from shared.catalog import notices
from shared.catalog.deliveries import MOST_WAITING, Deliveries, Delivery, Outcome, Trouble
from shared.catalog.webhooks import Webhooks
from shared.notifications import TYPES, Notification

log = structlog.get_logger()


class Admins(Protocol):
    """Answers `project_admins`: the addresses of a project's owners and admins."""

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]: ...


class Watcher:
    """Decides after each failed attempt whether its webhook goes on."""

    def __init__(self, deliveries: Deliveries, webhooks: Webhooks, admins: Admins, disable_seconds: float) -> None:
        self._deliveries = deliveries
        self._webhooks = webhooks
        self._admins = admins
        self._disable_seconds = disable_seconds

    async def look(self, delivery: Delivery, trouble: Trouble, outcome: Outcome) -> None:
        """Disable the webhook where it said it is gone, failed for too long or lets too much pile up.

        The mail is queued first, under a key of this disability: a crash in between repeats both, and mails once.
        """
        if trouble.webhook_id is None or trouble.failing_since is None or delivery.project_id is None:
            return
        reason = self._reason(trouble, outcome)
        if not reason:
            return
        values = {"url": trouble.url, "reason": reason, "error": outcome.error, "since": trouble.failing_since}
        await self._tell(delivery.project_id, trouble.webhook_id, f"{trouble.failing_since.timestamp():.0f}", values)
        failed = await self._webhooks.disable(trouble.webhook_id, reason)
        log.warning("webhook disabled", webhook=str(trouble.webhook_id), reason=reason, failed=failed)

    def _reason(self, trouble: Trouble, outcome: Outcome) -> str:
        if outcome.gone:
            return "it answered 410 Gone"
        if trouble.waiting > MOST_WAITING:
            return f"more than {MOST_WAITING} deliveries waited for it"
        if trouble.failing_since is None:
            return ""
        failing = (trouble.now - trouble.failing_since).total_seconds()
        return f"it failed for {failing / 3_600:.0f} hours" if failing > self._disable_seconds else ""

    async def _tell(self, project_id: uuid.UUID, webhook_id: uuid.UUID, since: str, values: dict[str, Any]) -> None:
        key = f"webhook-disabled:{webhook_id}:{since}"
        told = Notification(key=key, project_id=project_id, template="webhook_disabled", values=values)
        await notices.keep(self._admins, told)
        for admin in await self._admins.rows("project_admins", {"project_id": project_id}):
            content = {"template": "webhook_disabled", "language": admin["language"], "values": values}
            await self._deliveries.queue_mail(
                project_id,
                key,
                TYPES["webhook_disabled"],
                admin["email"],
                msgspec.json.encode(content),
            )

"""Changes of webhooks, each in one transaction with its row in the audit log."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from functions.webhooks.asked import WebhookAnswer
from shared.catalog.webhooks import Webhook, Webhooks
from shared.http import Request
from shared.security import audit
from shared.security.access import Caller

if TYPE_CHECKING:
    from functions.webhooks.ports import Ports

Work = Callable[[Webhooks], Awaitable[Webhook | None]]


class Changes:
    """What one caller does to webhooks of their project."""

    def __init__(self, request: Request, ports: "Ports", caller: Caller) -> None:
        self.request = request
        self.ports = ports
        self.caller = caller
        self.project_id = caller.project_id

    async def make(self, action: str, work: Work, before: Webhook | None = None) -> Webhook | None:
        """The webhook after `work`, None where there is none then; nothing is written down where there never was."""
        async with self.ports.catalog.transaction() as transaction:
            after = await work(Webhooks(transaction))
            target = after or before
            if target is not None:
                [row] = await transaction.rows("organisation_of_project", {"project_id": self.project_id})
                await audit.record(
                    transaction,
                    organisation_id=row["organisation_id"],
                    actor=self.caller,
                    action=f"webhook.{action}",
                    target=f"webhook:{target.id}",
                    before=_plain(before),
                    after=_plain(after),
                    request_id=self.request.request_id,
                    address=self.ports.proxies.address(self.request.headers, self.request.peer),
                    project_id=self.project_id,
                )
        return after


def _plain(webhook: Webhook | None) -> dict[str, Any] | None:
    if webhook is None:
        return None
    plain: dict[str, Any] = msgspec.to_builtins(WebhookAnswer.of(webhook))
    return plain

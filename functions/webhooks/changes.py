"""What one caller does to webhooks of their project; each change is in the audit log."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from functions.webhooks.asked import WebhookAnswer
from shared.catalog.webhooks import Webhook, Webhooks
from shared.http import Request
from shared.security.access import Caller
from shared.security.changes import Changes as Recorded

if TYPE_CHECKING:
    from functions.webhooks.ports import Ports

Shown = Callable[[Webhook], msgspec.Struct]
Work = Callable[[Webhooks], Awaitable[Webhook | None]]


class Changes:
    """A request to the webhooks of the caller's project, or to its channels, which the audit log calls so."""

    def __init__(
        self, request: Request, ports: "Ports", caller: Caller, noun: str = "webhook", shown: Shown = WebhookAnswer.of
    ) -> None:
        self.request = request
        self.ports = ports
        self.project_id = caller.project_id
        self._recorded = Recorded(
            noun, shown, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
        )

    async def make(self, action: str, work: Work, before: Webhook | None = None) -> Webhook | None:
        """The webhook after `work`, None where there is none then; nothing is written down where there never was."""
        return await self._recorded.make(action, lambda queries: work(Webhooks(queries)), before)

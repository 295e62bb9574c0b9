"""Who wants events of the stream, known without asking the catalog for each record."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from functions.webhooks.matching import Matcher, Wanted
from shared.catalog.client import CatalogUnavailableError
from shared.catalog.webhooks import Webhooks
from shared.clock import Clock
from shared.refusals import Rejected

log = structlog.get_logger()

# How long after its making a webhook may miss events.
FRESH_SECONDS = 5.0


class Subscription(NamedTuple):
    """A webhook and what it wants."""

    webhook_id: uuid.UUID
    matcher: Matcher


class Subscriptions:
    """The webhooks of each project that want events; asks the catalog at most every FRESH_SECONDS, once for all."""

    def __init__(self, webhooks: Webhooks, clock: Clock) -> None:
        self._webhooks = webhooks
        self._clock = clock
        self._known: dict[str, list[Subscription]] | None = None
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    async def of(self, project: str) -> Sequence[Subscription]:
        """Those of a project, by its id as text; raises CatalogUnavailableError before the catalog ever answered.

        Once known, what is known serves while the catalog is away: nobody can change a webhook then either.
        """
        if self._is_old():
            async with self._asking:
                if self._is_old():
                    await self._refresh()
        return (self._known or {}).get(project, ())

    def _is_old(self) -> bool:
        return self._known is None or self._clock.monotonic() - self._asked_at > FRESH_SECONDS

    async def _refresh(self) -> None:
        asked_at = self._clock.monotonic()
        try:
            found = await self._webhooks.matching()
        except CatalogUnavailableError:
            if self._known is None:
                raise
            self._asked_at = asked_at
            return
        known: dict[str, list[Subscription]] = {}
        for webhook in found:
            try:
                matcher = Matcher(msgspec.json.decode(webhook.filter, type=Wanted))
            except (msgspec.MsgspecError, Rejected) as error:
                log.warning("a webhook's filter is not usable any more", webhook=str(webhook.id), error=str(error))
                continue
            known.setdefault(str(webhook.project_id), []).append(Subscription(webhook.id, matcher))
        self._known, self._asked_at = known, asked_at

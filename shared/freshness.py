"""Whether the warehouse holds what was accepted until a moment: asked before "nothing happened" is believed.

An event is on the bus before it is in the warehouse, usually for less than a second. When batch_write lags or was
away, a count over the last minutes is too small and nothing about it looks wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from shared.bus import Bus
from shared.bus.inspection import Inspection
from shared.clock import Clock, to_datetime
from shared.dead_letters import DEAD_LETTERS, read_letter
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.refusals import UnavailableError
from shared.warehouse.client import Answer

WRITER = "batch-write"
_RESENDER = "dead-letter"
_LOOKED_AT = 500
_PAUSE_SECONDS = 0.25
_REMEMBERED_SECONDS = 5.0
# Of all projects: one writer stores them, in the order in which they came. Read from the parts' own bounds.
_NEWEST = "SELECT max(received_at) FROM batches"


class BehindError(UnavailableError):
    """Events that were accepted may be missing in the warehouse; later they will not."""


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer: ...


class Freshness:
    """Knows until when the warehouse is complete; asks bus and warehouse only where it does not know.

    `inspection` looks at dead letters; it is opened when some wait. Safe for many callers at once: one asks.
    """

    def __init__(
        self,
        bus: Bus,
        warehouse: Warehouse,
        inspection: Callable[[], Inspection],
        clock: Clock,
        *,
        patience_seconds: float = 3.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bus = bus
        self._warehouse = warehouse
        self._inspection = inspection
        self._clock = clock
        self._patience = patience_seconds
        self._sleep = sleep
        self._known = datetime.min.replace(tzinfo=UTC)
        self._behind = ("", float("-inf"))
        self._asking = asyncio.Lock()

    async def wait(self, moment: datetime) -> None:
        """Return once all that was accepted before `moment` is stored.

        Raises BehindError where that takes longer than the patience, and what bus and warehouse raise when away.
        Records are stored nearly in order, so a single one that is being retried is not waited for.
        """
        async with self._asking:
            if moment <= self._known:
                return
            why, said_at = self._behind
            if why and self._clock.monotonic() - said_at < _REMEMBERED_SECONDS:
                raise BehindError(why)
            waited = 0.0
            while why := await self._missing(moment):
                if waited >= self._patience:
                    self._behind = (why, self._clock.monotonic())
                    raise BehindError(why)
                await self._sleep(_PAUSE_SECONDS)
                waited += _PAUSE_SECONDS

    async def _missing(self, moment: datetime) -> str:
        """What is not stored of before `moment`; '' where nothing is missing."""
        now = to_datetime(self._clock.micros())
        if await self._dead():
            return "events wait to be sent to batch_write again"
        if await self._bus.lag(EVENTS_TOPIC, WRITER):
            stored = (await self._warehouse.query(_NEWEST, {})).value.replace(tzinfo=UTC)
            if stored < moment:
                return f"batch_write has come to {stored:%Y-%m-%dT%H:%M:%SZ}"
            now = stored
        self._known = max(self._known, now)
        return ""

    async def _dead(self) -> bool:
        """Whether events lie among the dead letters that batch_write is to get again."""
        if not await self._bus.lag(DEAD_LETTERS, _RESENDER):
            return False
        found = await self._inspection().waiting(DEAD_LETTERS, _RESENDER, _LOOKED_AT)
        letters = [read_letter(one.message, self._clock.micros()) for one in found]
        return any(one.sink == WRITER and one.event.attributes.get("type") == ACCEPTED for one in letters)

"""Telling rollup that hours which are over have changed: one event for many flushes."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from shared.bus import Bus, BusUnavailableError
from shared.clock import Clock
from shared.events import CONTROL_TOPIC
from shared.ledger import changed
from shared.tracing import MOST_LINKS, current, is_sampled

log = structlog.get_logger()

_HOUR = 3_600
_SOURCE = "/sluice/batch-write"


class Announcer:
    """Publishes once no hour has changed for `quiet` seconds, or `waited` seconds after the first one at most.

    Hours still running are not told of: the timer of rollup finds them when they are over. Never raises; an event
    that the bus does not take is left out.
    """

    def __init__(self, bus: Bus, clock: Clock, *, quiet: float, waited: float) -> None:
        self._bus = bus
        self._clock = clock
        self._quiet = quiet
        self._waited = waited
        self._last = 0.0
        self._causes: list[str] = []
        self._telling: asyncio.Task[None] | None = None

    def note(self, hours: set[str]) -> None:
        """Hours, as `2026-01-31 12:00:00`, have changed and the ledger has it."""
        running = datetime.fromtimestamp(self._clock.micros() / 1_000_000 - _HOUR, UTC)
        if min(hours, default="9") > running.strftime("%Y-%m-%d %H:%M:%S"):
            return
        self._last = self._clock.monotonic()
        if is_sampled(cause := current()):
            self._causes = [*self._causes, cause][:MOST_LINKS]
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell(self._last), name="announce-hours")

    async def _tell(self, first: float) -> None:
        def left() -> float:
            return min(self._last + self._quiet, first + self._waited) - self._clock.monotonic()

        while left() > 0:  # noqa: ASYNC110 (a pause, not an event: its end moves)
            await asyncio.sleep(left())
        try:
            causes, self._causes = self._causes, []
            await self._bus.publish(CONTROL_TOPIC, [changed(self._clock.micros(), _SOURCE, causes)])
        except BusUnavailableError as error:
            log.info("rollup not told", error=str(error))

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling

"""The courier: takes deliveries that are due, sends them side by side, and sleeps when there is nothing to do.

The catalog holds the truth: a delivery is taken with a lease, so a courier that dies leaves it to the next one. This
one works while something is due within the time until the timer comes again; then it ends, and nothing is polled.
"""

import asyncio
import random
import uuid
from collections.abc import Sequence
from contextvars import Context
from typing import Protocol

import structlog

from functions.notify.troubles import Admins, Watcher
from shared import metrics
from shared.catalog.client import CatalogUnavailableError
from shared.catalog.deliveries import Deliveries, Delivery, Outcome
from shared.catalog.webhooks import Webhooks
from shared.clock import Clock
from shared.ids import uuid7

log = structlog.get_logger()

# After the n-th try that failed, seconds until the next; then it has failed for good, two days after the first.
DELAYS: Sequence[float] = (5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
JITTER = 0.2
MOST_RETRY_AFTER = 86_400.0
LEASE_SECONDS = 60.0
# Of all deliveries, and of those to one webhook or to the mail server.
_AT_ONCE = 32
_EACH = 4
# A bit more than the timer's pause: what is due later is its to begin.
_HORIZON_SECONDS = 1_000.0
_AWAY_SECONDS = 5.0
_SHORTEST_SECONDS = 0.5
_CLOSE_SECONDS = 25.0


class Sends(Protocol):
    """Sends one delivery; what goes wrong is part of the outcome."""

    async def send(self, delivery: Delivery) -> Outcome: ...


class Courier:
    """Sends what is due. `wake` it after something was queued; `lease_seconds` must be more than a try takes."""

    def __init__(
        self,
        deliveries: Deliveries,
        webhooks: Webhooks,
        sender: Sends,
        clock: Clock,
        *,
        admins: Admins,
        disable_seconds: float,
        lease_seconds: float = LEASE_SECONDS,
        delays: Sequence[float] = DELAYS,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._clock = clock
        self._watcher = Watcher(deliveries, webhooks, admins, disable_seconds)
        self._lease_seconds = lease_seconds
        self._delays = delays
        self._woken = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for work now, in the background."""
        self._woken.set()
        if self._worker is None or self._worker.done():
            # Not in the caller's context: what is sent is not part of the request that woke us.
            self._worker = asyncio.create_task(self._work(), name="courier", context=Context())

    async def close(self) -> None:
        """Take nothing more; what is being sent may end."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_CLOSE_SECONDS)
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _work(self) -> None:
        structlog.contextvars.bind_contextvars(function="notify")
        while True:
            self._woken.clear()
            try:
                pause = await self._round()
            except CatalogUnavailableError:
                log.warning("the catalog is away; deliveries wait")
                pause = _AWAY_SECONDS
            if pause is None and not self._under_way and not self._woken.is_set():
                return
            try:
                await asyncio.wait_for(self._woken.wait(), pause)
            except TimeoutError:
                continue

    async def _round(self) -> float | None:
        """Take what is due and there is room for; in how many seconds to look again, None where only a call tells."""
        lease = uuid7()
        room = _AT_ONCE - len(self._under_way)
        taken = []
        if room > 0:
            taken = await self._deliveries.claim(lease, seconds=self._lease_seconds, each=_EACH, most=room)
        for delivery in taken:
            task = asyncio.create_task(self._deliver(delivery, lease), name=f"delivery-{delivery.id}")
            self._under_way.add(task)
            task.add_done_callback(self._ended)
        seconds = await self._deliveries.seconds_to_next()
        if seconds is None or seconds > _HORIZON_SECONDS:
            return None
        return max(seconds, _SHORTEST_SECONDS)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease ends, and it is tried again; a bug here ends with its last try.
            log.error("delivery broke off", exc_info=error)

    async def _deliver(self, delivery: Delivery, lease: uuid.UUID) -> None:
        started = self._clock.monotonic()
        if delivery.tries > len(self._delays) + 1:
            outcome = Outcome(error="given up after too many tries that broke off", final=True)
        else:
            outcome = await self._sender.send(delivery)
        took_ms = round((self._clock.monotonic() - started) * 1_000)
        try:
            became = await self._note(delivery, lease, took_ms, outcome)
        except CatalogUnavailableError:
            # Sent, perhaps, and not noted: the lease ends and it goes out again under the same id.
            log.warning("the outcome of a delivery could not be noted", delivery=str(delivery.id))
            return
        channel = "mail" if delivery.webhook_id is None else "webhook"
        metrics.DELIVERIES.labels(channel, became).inc()
        log.info("delivery", delivery=str(delivery.id), channel=channel, became=became, error=outcome.error)

    async def _note(self, delivery: Delivery, lease: uuid.UUID, took_ms: int, outcome: Outcome) -> str:
        if not outcome.error:
            await self._deliveries.arrived(delivery, lease, took_ms, outcome)
            return "delivered"
        delay = delay_after(delivery.tries, outcome, self._delays)
        trouble = await self._deliveries.failed(delivery, lease, took_ms, outcome, delay)
        if trouble is not None:
            await self._watcher.look(delivery, trouble, outcome)
        return "failed" if delay is None else "retried"


def delay_after(tries: int, outcome: Outcome, delays: Sequence[float] = DELAYS) -> float | None:
    """Seconds until the next try: longer each time, spread by a fifth, not before `Retry-After`; None for no more."""
    if outcome.final or outcome.gone or tries > len(delays):
        return None
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (only spreads load)
    return max(delays[tries - 1] * spread, min(outcome.retry_after, MOST_RETRY_AFTER))

"""The emulated KafkaSource and Trigger: consumer groups on the bus whose records are posted to a function.

Real semantics: one binary-mode POST a record, many in flight and in no order; an answer below 300 acknowledges;
retries as in `delivery`; a final refusal is acknowledged once it is a dead letter. What was not acknowledged is
delivered again at the next start.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog

from shared.bus import Bus, BusUnavailableError, Delivery, Message, Position, Subscription
from shared.dead_letters import DEAD_LETTERS, is_for
from shared.failpoints import reach
from shared.local import source_metrics
from shared.local.delivery import Answer, Deliverer, dead_letter
from shared.local.patience import Patience, StoppingError

log = structlog.get_logger()

IN_FLIGHT = 100
IN_FLIGHT_BYTES = 32 * 1024 * 1024
_TAKE = 16  # records at once: how far the bound on bytes can be overshot
_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Binding:
    """A group on a topic, and the event types its function takes: every type where none is named."""

    topic: str
    group: str
    types: frozenset[str]

    def takes(self, message: Message) -> bool:
        """Whether the function is to see this event."""
        wanted = not self.types or message.attributes.get("type") in self.types
        return wanted and is_for(self.group, message.attributes)


Finish = Callable[[Answer], Awaitable[Answer]]


class Source:
    """Delivers one topic's records to one function.

    `finish` sees each answer that took the record and returns it, or another that says why it does not count.
    """

    def __init__(
        self, bus: Bus, binding: Binding, deliverer: Deliverer, patience: Patience, finish: Finish | None = None
    ) -> None:
        self._bus = bus
        self._binding = binding
        self._deliverer = deliverer
        self._patience = patience
        self._finish = finish
        self._subscription: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._room = asyncio.Event()

    async def prepare(self) -> None:
        """Join the group, waiting for the bus.

        Every group of a topic must exist before one of them reads: the bus forgets what all groups it knows have
        acknowledged.
        """
        self._subscription = await self._patience.insist(
            lambda: self._bus.subscribe(self._binding.topic, self._binding.group)
        )

    async def run(self) -> None:
        """Take and deliver until cancelled, after `prepare`."""
        while True:
            await self._wait_for_room()
            most = min(_TAKE, IN_FLIGHT - len(self._tasks))
            self._start(await self._patience.insist(partial(self._joined.take, most, _WAIT_SECONDS)))

    async def drain(self, seconds: float) -> None:
        """Let what is in flight finish, within `seconds`; the rest stays unacknowledged."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        if self._subscription is not None:
            await self._subscription.close()

    @property
    def _joined(self) -> Subscription:
        if self._subscription is None:
            raise RuntimeError("run() comes after prepare()")
        return self._subscription

    async def _wait_for_room(self) -> None:
        while len(self._tasks) >= IN_FLIGHT or self._bytes >= IN_FLIGHT_BYTES:
            self._room.clear()
            await self._room.wait()

    def _start(self, deliveries: Sequence[Delivery]) -> None:
        filtered: list[Position] = []
        for delivery in deliveries:
            if self._binding.takes(delivery.message):
                self._begin(self._handle(delivery), delivery.message.size)
            else:
                filtered.append(delivery.position)
        if filtered:
            source_metrics.FILTERED.labels(self._binding.group).inc(len(filtered))
            self._begin(self._ack(filtered), 0)

    def _begin(self, work: Awaitable[None], size: int) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        self._bytes += size
        task.add_done_callback(lambda done: self._ended(done, size))

    def _ended(self, task: asyncio.Future[None], size: int) -> None:
        self._tasks.discard(task)
        self._bytes -= size
        self._room.set()
        if task.cancelled():
            return
        bug = task.exception()
        if bug is not None and not isinstance(bug, StoppingError):
            log.error("bug: the record stays on the bus", group=self._binding.group, exc_info=bug)

    async def _handle(self, delivery: Delivery) -> None:
        message = _with_position(delivery)
        answer = await self._deliverer.deliver(message)
        if answer.delivered and self._finish is not None:
            answer = await self._finish(answer)
        if not answer.delivered:
            await self._bury(message, answer)
        reach("source.before_ack")
        await self._ack([delivery.position])

    async def _bury(self, message: Message, answer: Answer) -> None:
        letter = dead_letter(message, self._deliverer.url, answer)
        log.warning(
            "dead letter",
            group=self._binding.group,
            event_id=message.attributes.get("id"),
            status=answer.status,
            answer=answer.body[:200].decode(errors="replace"),
        )
        await self._patience.insist(lambda: self._bus.publish(DEAD_LETTERS, [letter]))

    async def _ack(self, positions: Sequence[Position]) -> None:
        await self._patience.insist(lambda: self._joined.ack(positions))


def _with_position(delivery: Delivery) -> Message:
    attributes = {
        **delivery.message.attributes,
        "knativekafkapartition": str(delivery.position.partition),
        "knativekafkaoffset": str(delivery.position.offset),
    }
    return Message(attributes, delivery.message.data)


async def watch_lag(bus: Bus, bindings: Iterable[Binding], every: float) -> None:
    """Keep the lag metric current; while the bus is away the last value stays."""
    known = list(bindings)
    while True:
        for binding in known:
            with suppress(BusUnavailableError):
                lag = await bus.lag(binding.topic, binding.group)
                source_metrics.LAG.labels(binding.topic, binding.group).set(lag)
        await asyncio.sleep(every)

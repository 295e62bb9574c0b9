"""The emulated KafkaSource and Trigger: consumer groups on the bus that post each record to a function.

Real semantics: one binary-mode POST a record, many in flight and in no order, an answer below 300 acknowledges,
retries and dead letters as in `delivery`. After a crash what was not acknowledged comes again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from shared.bus import Bus, BusUnavailableError, Delivery, Message, Subscription
from shared.cloudevent import CloudEventError, decode, looks_like_cloudevent
from shared.local import source_metrics
from shared.local.delivery import Answer, Deliverer, keep_trying

log = structlog.get_logger()

BROKER = "broker"
IN_FLIGHT = 100
IN_FLIGHT_BYTES = 32 * 1024 * 1024
_BLOCK_SECONDS = 20.0
_ACK_SECONDS = 0.05
_AWAY_SECONDS = 0.5


@dataclass(frozen=True)
class Binding:
    """A group on a topic, and the event types its function takes."""

    topic: str
    group: str
    types: frozenset[str]


Done = Callable[[Message, Answer], Awaitable[None]]


class Source:
    """Delivers one topic to one function until it is told to stop."""

    def __init__(self, bus: Bus, binding: Binding, deliverer: Deliverer, done: Done | None = None) -> None:
        self._bus = bus
        self._binding = binding
        self._deliverer = deliverer
        self._done = done
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0
        self._room = asyncio.Event()
        self._answered: list[Delivery] = []
        self._away = False

    async def run(self) -> None:
        """Take and deliver; returns only by cancellation."""
        while True:
            try:
                subscription = await self._bus.subscribe(self._binding.topic, self._binding.group)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._take(subscription))
                    group.create_task(self._acknowledge(subscription))
            except* BusUnavailableError:
                if not self._away:
                    log.warning("bus away", group=self._binding.group, topic=self._binding.topic)
                self._away = True
                await asyncio.sleep(_AWAY_SECONDS)

    async def drain(self, seconds: float) -> None:
        """Let what is in flight finish, within `seconds`; the rest is delivered again at the next start."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        if self._answered:
            with suppress(BusUnavailableError):
                subscription = await self._bus.subscribe(self._binding.topic, self._binding.group)
                await subscription.ack([delivery.position for delivery in self._answered])

    async def _take(self, subscription: Subscription) -> None:
        while True:
            await self._wait_for_room()
            for delivery in await subscription.take(IN_FLIGHT - len(self._tasks), _BLOCK_SECONDS):
                self._start(delivery)
            if self._away:
                log.info("bus back", group=self._binding.group, topic=self._binding.topic)
                self._away = False

    async def _wait_for_room(self) -> None:
        while len(self._tasks) >= IN_FLIGHT or self._bytes >= IN_FLIGHT_BYTES:
            self._room.clear()
            await self._room.wait()

    def _start(self, delivery: Delivery) -> None:
        if delivery.message.attributes.get("type") not in self._binding.types:
            source_metrics.FILTERED.labels(self._binding.group).inc()
            self._answered.append(delivery)
            return
        self._bytes += len(delivery.message.data)
        task = asyncio.create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finished(done, len(delivery.message.data)))

    def _finished(self, task: "asyncio.Task[None]", size: int) -> None:
        self._tasks.discard(task)
        self._bytes -= size
        self._room.set()
        if not task.cancelled():
            task.result()

    async def _deliver(self, delivery: Delivery) -> None:
        position = delivery.position
        attributes = {
            **delivery.message.attributes,
            "knativekafkapartition": str(position.partition),
            "knativekafkaoffset": str(position.offset),
        }
        message = replace_attributes(delivery.message, attributes)
        answer = await keep_trying(self._deliverer, message)
        if self._done is not None:
            await self._done(delivery.message, answer)
        self._answered.append(delivery)

    async def _acknowledge(self, subscription: Subscription) -> None:
        """Acknowledge what was answered, many at once."""
        while True:
            await self._wait_for_answers()
            answered, self._answered = self._answered, []
            try:
                await subscription.ack([delivery.position for delivery in answered])
            except BusUnavailableError:
                self._answered = answered + self._answered
                raise

    async def _wait_for_answers(self) -> None:
        """Return when something was answered: at once while busy, without waking up while idle."""
        while not self._answered:
            if self._tasks:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            else:
                self._room.clear()
                await self._room.wait()
        await asyncio.sleep(_ACK_SECONDS)


def replace_attributes(message: Message, attributes: dict[str, str]) -> Message:
    """The same data under other attributes."""
    return Message(attributes, message.data)


def publish_reply(bus: Bus) -> Done:
    """A Trigger's function may answer with a CloudEvent: it goes back to the broker."""

    async def done(_asked: Message, answer: Answer) -> None:
        if not answer.delivered or not looks_like_cloudevent(answer.headers):
            return
        try:
            reply = decode(answer.headers, answer.body)
        except CloudEventError as error:
            log.warning("the reply is not a CloudEvent", detail=error.detail)
            return
        while True:
            try:
                await bus.publish(BROKER, [reply])
            except BusUnavailableError:
                await asyncio.sleep(_AWAY_SECONDS)
            else:
                return

    return done


async def watch_lag(bus: Bus, bindings: Iterable[Binding], every: float) -> None:
    """Keep the lag metric current; an unreachable bus leaves the last value."""
    known = list(bindings)
    while True:
        for binding in known:
            with suppress(BusUnavailableError):
                lag = await bus.lag(binding.topic, binding.group)
                source_metrics.LAG.labels(binding.topic, binding.group).set(lag)
        await asyncio.sleep(every)

"""Publishing to Kafka from asyncio: one client whose single thread writes, and answers that come back in batches."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, RetriableError
from kafka.net.compat import KafkaNetClient
from kafka.partitioner import StickyPartitioner

from shared.bus import BusUnavailableError, Message, Position
from shared.bus.kafka_options import opened

_REQUEST_MILLISECONDS = 5_000
_DELIVERY_MILLISECONDS = 15_000  # how long one that was given up may still be written; must exceed the request's
_METADATA_MILLISECONDS = 1_000
_MAX_BATCH_BYTES = 1024 * 1024
_MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAX_UNSETTLED_BYTES = 64 * 1024 * 1024
_SILENCE_SECONDS = 4.0
_CLOSE_SECONDS = 1.0


class _Producer(KafkaProducer):  # type: ignore[misc]  # the library has no types
    """A producer whose `close` ends its thread also where something cannot be delivered any more."""

    def flush(self, timeout: float | None = None) -> None:
        with suppress(KafkaError):
            super().flush(timeout)


class Publishing:
    """The one producer of a KafkaBus: idempotent, acks=all, lz4, no key, sticky partitions.

    At most MAX_UNSETTLED_BYTES are on their way, those counted whose publish was already given up: the producer goes
    on trying for some seconds.
    """

    def __init__(self, options: dict[str, Any], executor: Executor) -> None:
        self._options = options
        self._executor = executor
        self._producer: KafkaProducer | None = None
        self._connections: KafkaNetClient | None = None
        self._opening = asyncio.Lock()
        self._unsettled = 0
        self._silent_since: float | None = None
        self._settled: deque[_Flight] = deque()
        self._waking = False

    def knows(self, topic: str) -> bool:
        """Whether `publish` can go ahead without waiting for the cluster."""
        return self._connections is not None and self._connections.cluster.partitions_for_topic(topic) is not None

    async def learn(self, topic: str) -> None:
        """Open the producer and learn the partitions of a topic that exists; raises BusUnavailableError."""
        async with self._opening:
            if not self.knows(topic):
                await asyncio.get_running_loop().run_in_executor(self._executor, self._learn, topic)

    def _learn(self, topic: str) -> None:
        producer = self._producer
        if producer is None:
            producer, connections = opened(
                _Producer,
                **self._options,
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
                partitioner=StickyPartitioner(),
                allow_auto_create_topics=False,
                batch_size=_MAX_BATCH_BYTES,
                max_request_size=_MAX_REQUEST_BYTES,
                max_block_ms=_METADATA_MILLISECONDS,
                request_timeout_ms=_REQUEST_MILLISECONDS,
                delivery_timeout_ms=_DELIVERY_MILLISECONDS,
                metrics_enabled=False,
            )
            self._producer, self._connections = producer, connections
        assert producer is not None  # noqa: S101 (for the type checker: opened above where it was not)
        try:
            producer.partitions_for(topic)
        except KafkaError as error:
            raise BusUnavailableError(f"Kafka does not name the partitions of {topic!r}: {error}") from error

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        """Write messages to a topic that is known; returns when they are written, whoever wants to wait so long.

        Raises BusUnavailableError, which means *perhaps stored*; so does being cancelled.
        """
        size = sum(message.size for message in messages)
        if self._unsettled + size > MAX_UNSETTLED_BYTES:
            raise BusUnavailableError("too much waits for Kafka")
        producer = self._producer
        if producer is None:
            raise BusUnavailableError("Kafka is being connected anew")
        flight = _Flight(self, producer, len(messages), size)
        _send(producer, topic, messages, flight)
        self._unsettled += size
        self._silent_since = self._silent_since or time.monotonic()
        try:
            await flight.landed.wait()
        except asyncio.CancelledError:
            self._gave_up(producer)
            raise
        if flight.fault is not None:
            raise BusUnavailableError(f"Kafka did not confirm: {flight.fault}") from flight.fault
        return [position for position in flight.positions if position is not None]

    def _gave_up(self, producer: KafkaProducer) -> None:
        """Nobody waits for a flight any more: after a silence of some seconds the producer is not trusted either.

        Where its broker was away, a producer of kafka-python 3.0 may wait for ever for a new producer id.
        """
        if self._silent_since is not None and time.monotonic() - self._silent_since > _SILENCE_SECONDS:
            self._replace(producer)

    def _replace(self, producer: KafkaProducer) -> None:
        """Have the next publish open a new producer; what the old one has not written is dropped, as *unknown*."""
        close = producer.close
        if producer is self._producer:
            self._producer = self._connections = self._silent_since = None
            self._executor.submit(close, timeout=0)

    def report(self, flight: "_Flight") -> None:
        """From the client's thread: a flight is over. Flights that end together wake the event loop once."""
        self._settled.append(flight)
        if not self._waking:
            self._waking = True
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                flight.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._waking = False  # before the queue is emptied: what comes in meanwhile wakes again
        while self._settled:
            flight = self._settled.popleft()
            self._unsettled -= flight.size
            if flight.fault is None:
                self._silent_since = None
            elif not isinstance(flight.fault, RetriableError):
                # Be it one record that is too large: an idempotent producer of kafka-python 3.0 is in a fatal state
                # after an error that is not worth a retry, and refuses everything for ever.
                self._replace(flight.producer)
            flight.landed.set()

    def close(self) -> None:
        """Blocks for a moment, to let what is on its way arrive."""
        if self._producer is not None:
            self._producer.close(timeout=_CLOSE_SECONDS)


def _send(producer: KafkaProducer, topic: str, messages: Sequence[Message], flight: "_Flight") -> None:
    """Hand the messages to the client, which only puts them into a queue."""
    for place, (message, headers) in enumerate([(message, headers_of(message)) for message in messages]):
        try:
            sent = producer.send(topic, value=message.data, headers=headers)
        except (KafkaError, ValueError) as error:  # ValueError: the topic has just vanished
            flight.fail(error)
        else:
            sent.add_callback(partial(flight.land, place)).add_errback(flight.fail)


class _Flight:
    """One publish on its way; `land` or `fail` is called once for each message, mostly by the client's thread."""

    def __init__(self, owner: Publishing, producer: KafkaProducer, count: int, size: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.producer = producer
        self.size = size
        self.landed = asyncio.Event()
        self.positions: list[Position | None] = [None] * count
        self.fault: BaseException | None = None
        self._owner = owner
        self._left = count
        self._counting = threading.Lock()

    def land(self, place: int, written: Any) -> None:
        self.positions[place] = Position(written.partition, written.offset)
        self._count()

    def fail(self, error: BaseException) -> None:
        self.fault = error
        self._count()

    def _count(self) -> None:
        with self._counting:
            self._left -= 1
            landed = self._left == 0
        if landed:
            self._owner.report(self)


_CONTENT_TYPE = "content-type"
_TYPE_ATTRIBUTE = "datacontenttype"
_PREFIX = "ce_"


def headers_of(message: Message) -> list[tuple[str, bytes]]:
    """The record headers of a CloudEvent in binary mode (Kafka protocol binding §3.2)."""
    return [
        (_CONTENT_TYPE if name == _TYPE_ATTRIBUTE else f"{_PREFIX}{name}", value.encode())
        for name, value in message.attributes.items()
    ]


def message_of(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Message:
    """The CloudEvent in a record; what is not part of the binding is left out."""
    attributes: dict[str, str] = {}
    for name, content in headers:
        text = (content or b"").decode(errors="replace")
        if name.lower() == _CONTENT_TYPE:
            attributes[_TYPE_ATTRIBUTE] = text
        elif name.startswith(_PREFIX):
            attributes[name[len(_PREFIX) :]] = text
    return Message(attributes, value or b"")

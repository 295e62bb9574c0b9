"""The bus port: durable topics of CloudEvents; Valkey embedded, Kafka in a cluster, memory in tests.

Every implementation passes tests/contract/test_bus.py. This module stays light: a client is imported only when
`open_bus` needs it.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from shared.config import ConfigError, KafkaSettings, load
from shared.refusals import UnavailableError

MAX_MESSAGE_BYTES = 1024 * 1024


class Message(msgspec.Struct, frozen=True):
    """A CloudEvent as it travels: context attributes (all texts, lower case, without `ce-`) and the data bytes."""

    attributes: dict[str, str]
    data: bytes

    @property
    def size(self) -> int:
        """Bytes counted against MAX_MESSAGE_BYTES: the data, and the attributes' names and values."""
        return len(self.data) + sum(len(name) + len(value) for name, value in self.attributes.items())


class Position(msgspec.Struct, frozen=True):
    """Where a message stands: offsets start at 0 and are gapless within a partition."""

    partition: int
    offset: int


class Delivery(msgspec.Struct, frozen=True):
    """A message handed out; `attempt` is 1 for the first delivery to its group, as far as known."""

    position: Position
    message: Message
    attempt: int


class BusUnavailableError(UnavailableError):
    """The bus did not confirm: nothing is known to be stored, repeat unchanged."""


class MessageTooLargeError(Exception):
    """A message is above MAX_MESSAGE_BYTES; it can never be published."""


class Subscription(Protocol):
    """A member of a consumer group: at least once, in order of publication within a partition at first delivery.

    What an earlier life took and did not acknowledge comes first. Within one life no message comes twice, even
    when a `take` was cancelled or the bus was away in between; what that `take` would have given comes next.
    On Kafka a group may have several members, which share the partitions; elsewhere it has one.
    """

    async def take(self, most: int, wait: float) -> list[Delivery]:
        """Up to `most` messages; waits about `wait` seconds for the first, [] if none came.

        Raises BusUnavailableError; call again, nothing is lost. One caller at a time.
        """
        ...

    async def ack(self, positions: Sequence[Position]) -> None:
        """Mark messages as done for the group, durably; in any order, a repeat is harmless.

        Raises BusUnavailableError where that is not known; repeat. Valkey forgets messages that every group of
        the topic has acknowledged, Kafka forgets by age.
        """
        ...

    async def close(self) -> None:
        """Leave; what is not acknowledged is delivered to the group's next Subscription."""
        ...


class Bus(Protocol):
    """A durable log of messages by topic. Safe for concurrent use within one event loop."""

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        """Append all the messages; durable when it returns, their positions in order.

        Answers within about 1.5 s. Raises MessageTooLargeError before anything is sent, BusUnavailableError where
        storage is not confirmed: all or some may still appear, so a repeat must carry the same ids.
        """
        ...

    async def subscribe(self, topic: str, group: str) -> Subscription:
        """Join a group; a new group starts at the earliest message kept. Raises BusUnavailableError."""
        ...

    async def lag(self, topic: str, group: str) -> int:
        """How many messages kept in the topic the group has not acknowledged. Raises BusUnavailableError."""
        ...

    async def ping(self) -> None:
        """Return when the bus answers. Raises BusUnavailableError."""
        ...

    async def close(self) -> None:
        """Drop the connections; close subscriptions first."""
        ...


def refuse_large(messages: Iterable[Message]) -> None:
    """Raise MessageTooLargeError if one message is above the limit."""
    for message in messages:
        if message.size > MAX_MESSAGE_BYTES:
            raise MessageTooLargeError(f"a message has {message.size} bytes; at most {MAX_MESSAGE_BYTES} are taken")


def open_bus(url: str, kafka: KafkaSettings | None = None) -> Bus:
    """The bus behind a URL: kafka://, kafka+ssl://, redis://, rediss://, unix:// or memory://.

    Connects at the first call. `kafka` is by default what the environment says. Raises ConfigError for any other
    scheme or a malformed URL; the message never holds the URL.
    """
    scheme = url.partition("://")[0]
    if scheme in {"kafka", "kafka+ssl"}:
        from shared.bus.kafka import KafkaBus

        return KafkaBus(url, kafka or load(KafkaSettings))
    if scheme in {"redis", "rediss", "unix"}:
        from shared.bus.valkey import ValkeyBus

        return ValkeyBus(url)
    if scheme == "memory":
        from shared.bus.memory import MemoryBus

        return MemoryBus()
    known = "kafka://, kafka+ssl://, redis://, rediss://, unix://, memory://"
    raise ConfigError([f"SLUICE_BUS_URL has an unknown scheme; known are {known}"])

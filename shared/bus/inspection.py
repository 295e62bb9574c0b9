"""Looking at the bus without taking part: which topics there are, who reads them, and what a group has not done yet.

For people and their tools; functions have no use for it.
"""

from typing import Protocol, runtime_checkable

import msgspec

from shared.bus import Delivery, open_bus
from shared.config import ConfigError, KafkaSettings, load


class TopicState(msgspec.Struct, frozen=True):
    """A topic: how many messages it keeps, and how many of them each group has not acknowledged."""

    name: str
    length: int
    groups: dict[str, int]


class Progress(msgspec.Struct, frozen=True):
    """How far a group is in one partition: every offset below `done` is acknowledged, `end` is the next to be given.

    `log` names the incarnation of the topic: where it is another one, offsets began anew. '' where nobody can tell.
    """

    log: str
    partition: int
    done: int
    end: int


@runtime_checkable
class Inspection(Protocol):
    """Every call raises BusUnavailableError and changes nothing."""

    async def topics(self) -> list[TopicState]:
        """The topics by name, each with its groups by name."""
        ...

    async def waiting(self, topic: str, group: str, most: int) -> list[Delivery]:
        """The first messages kept that the group has not acknowledged, up to `most`, oldest first in a partition.

        Of a group that does not exist these are all; of a topic that does not, none. `attempt` is always 1.
        """
        ...

    async def progress(self, topic: str, group: str) -> list[Progress]:
        """How far the group is in each partition; of a topic that does not exist nothing.

        A group that does not exist has acknowledged nothing.
        """
        ...

    async def close(self) -> None:
        """Drop the connections."""
        ...


def open_inspection(url: str, kafka: KafkaSettings | None = None) -> Inspection:
    """A look at the bus behind a URL; raises ConfigError as `open_bus` does."""
    if url.partition("://")[0] in {"kafka", "kafka+ssl"}:
        from shared.bus.kafka_inspection import KafkaInspection

        return KafkaInspection(url, kafka or load(KafkaSettings))
    bus = open_bus(url)
    if not isinstance(bus, Inspection):
        raise ConfigError(["this kind of bus cannot be looked at"])
    return bus

"""Looking at a Kafka cluster: its topics, its groups, and the records a group has not done."""

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from shared.bus import BusUnavailableError, Delivery, Position
from shared.bus.inspection import Progress, TopicState
from shared.bus.kafka_cluster import Cluster
from shared.bus.kafka_consuming import group_id
from shared.bus.kafka_options import client_options, opened
from shared.bus.kafka_progress import log_name, read_progress
from shared.bus.kafka_publishing import message_of
from shared.config import KafkaSettings

_POLL_MILLISECONDS = 1_000
_IDLE_POLLS = 5


class _Left(NamedTuple):
    """What a group has not done of a partition: some offsets below `next`, and all from there to `end`."""

    open: Collection[int]
    next: int
    end: int

    @property
    def first(self) -> int:
        return min(self.open, default=self.next)

    @property
    def records(self) -> int:
        return len(self.open) + self.end - self.next


class KafkaInspection:
    """An Inspection of one cluster; records are read by a consumer of their own."""

    def __init__(self, url: str, settings: KafkaSettings) -> None:
        self._options = client_options(url, settings)
        self._cluster = Cluster(self._options, settings)

    async def topics(self) -> list[TopicState]:
        return await asyncio.to_thread(self._cluster.ask, _topics)

    async def waiting(self, topic: str, group: str, most: int) -> list[Delivery]:
        left = await asyncio.to_thread(self._cluster.ask, lambda admin: _left(admin, topic, group_id(topic, group)))
        return await asyncio.to_thread(self._read, topic, left, most)

    async def progress(self, topic: str, group: str) -> list[Progress]:
        return await asyncio.to_thread(self._cluster.ask, lambda admin: _progress(admin, topic, group))

    async def close(self) -> None:
        await asyncio.to_thread(self._cluster.close)

    def _read(self, topic: str, left: dict[int, _Left], most: int) -> list[Delivery]:
        wanted = {number: part for number, part in left.items() if part.first < part.end}
        if not wanted:
            return []
        options: dict[str, Any] = {"group_id": None, "enable_auto_commit": False, "auto_offset_reset": "earliest"}
        consumer, _ = opened(KafkaConsumer, **self._options, **options)
        try:
            return _deliveries(consumer, topic, wanted, most)
        except (KafkaError, OSError) as error:
            raise BusUnavailableError(f"Kafka does not answer: {error}") from error
        finally:
            consumer.close(autocommit=False)


def _topics(admin: KafkaAdminClient) -> list[TopicState]:
    readers: dict[str, set[str]] = {}
    groups = [group["group_id"] for group in admin.list_groups()]
    committed = admin.list_group_offsets(groups) if groups else {}
    for group, partitions in committed.items():
        for partition in partitions:
            readers.setdefault(partition.topic, set()).add(group)
    states = []
    for name in sorted(name for name in admin.list_topics() if not name.startswith("__")):
        kept = _kept(admin, name)
        lags = {
            group.removesuffix(group_id(name, "")): sum(part.records for part in _left(admin, name, group).values())
            for group in sorted(readers.get(name, ()))
        }
        states.append(TopicState(name, sum(kept.end.values()) - sum(kept.first.values()), dict(sorted(lags.items()))))
    return states


class _Kept(NamedTuple):
    """What is kept of a topic, by partition: the first offset, the one behind the last; and which incarnation it is."""

    first: dict[int, int]
    end: dict[int, int]
    log: str


def _kept(admin: KafkaAdminClient, topic: str) -> _Kept:
    [described] = admin.describe_topics([topic])
    parts = [TopicPartition(topic, part["partition_index"]) for part in described["partitions"]]
    if not parts:
        return _Kept({}, {}, "")
    first, end = (
        {part.partition: place.offset for part, place in admin.list_partition_offsets(dict.fromkeys(parts, at)).items()}
        for at in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
    )
    return _Kept(first, end, log_name(described.get("topic_id")))


def _progress(admin: KafkaAdminClient, topic: str, group: str) -> list[Progress]:
    if topic not in admin.list_topics():
        return []
    log, left = _kept(admin, topic).log, _left(admin, topic, group_id(topic, group))
    return [Progress(log, number, part.first, part.end) for number, part in sorted(left.items())]


def _left(admin: KafkaAdminClient, topic: str, group: str) -> dict[int, _Left]:
    kept = _kept(admin, topic)
    parts = [TopicPartition(topic, number) for number in kept.first]
    committed = admin.list_group_offsets({group: parts})[group] if parts else {}
    found = {}
    for part in parts:
        first, end, place = kept.first[part.partition], kept.end[part.partition], committed.get(part)
        progress = None
        if place is not None and first <= place.offset <= end:
            progress = read_progress(place.offset, place.metadata or "", kept.log)
        if progress is None:
            found[part.partition] = _Left((), first, end)
        else:
            still_open = [offset for offset in progress.open if offset >= first]
            found[part.partition] = _Left(still_open, progress.next, end)
    return found


def _deliveries(consumer: KafkaConsumer, topic: str, wanted: dict[int, _Left], most: int) -> list[Delivery]:
    consumer.assign([TopicPartition(topic, number) for number in wanted])
    for number, part in wanted.items():
        consumer.seek(TopicPartition(topic, number), part.first)
    found: list[Delivery] = []
    idle, unread = 0, set(wanted)
    while unread and len(found) < most and idle < _IDLE_POLLS:
        polled = consumer.poll(timeout_ms=_POLL_MILLISECONDS)
        idle = 0 if polled else idle + 1
        for place, records in polled.items():
            part = wanted[place.partition]
            for record in records:
                if record.offset in part.open or part.next <= record.offset < part.end:
                    message = message_of(record.headers, record.value)
                    found.append(Delivery(Position(place.partition, record.offset), message, 1))
        unread = {number for number in unread if consumer.position(TopicPartition(topic, number)) < wanted[number].end}
    return found[:most]

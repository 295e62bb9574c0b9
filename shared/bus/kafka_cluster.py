"""What is asked of a Kafka cluster beside records: whether it answers, its topics, and how far a group is."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import structlog
from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import (
    AuthorizationError,
    KafkaError,
    KafkaTimeoutError,
    RetriableError,
    TopicAlreadyExistsError,
)

from shared.bus import MAX_MESSAGE_BYTES, BusUnavailableError
from shared.bus.kafka_consuming import group_id
from shared.bus.kafka_options import opened
from shared.bus.kafka_progress import Progress, log_name, read_progress
from shared.config import KafkaSettings

log = structlog.get_logger()

AnswerT = TypeVar("AnswerT")

ANSWER_SECONDS = 1.5
_MAKING_SECONDS = 5.0  # at a start many topics are asked for at once
_PAUSE_SECONDS = 0.1
_MILLISECONDS_AN_HOUR = 3_600_000
# A record's own frame and header names come on top of a message's bytes.
_MAX_BATCH_BYTES = 2 * MAX_MESSAGE_BYTES
_SEVERAL_COPIES = 3


class Cluster:
    """Blocking questions to the cluster, one at a time, each answered within about ANSWER_SECONDS (topics: 5 s).

    All raise BusUnavailableError. A connection on which something failed is dropped, and with it all it knew.
    """

    def __init__(self, options: dict[str, Any], settings: KafkaSettings) -> None:
        self._options = options
        self._settings = settings
        self._turn = threading.Lock()
        self._admin: KafkaAdminClient | None = None

    def ping(self) -> None:
        self._ask(lambda admin: admin.describe_cluster())

    def make_topic(self, topic: str) -> None:
        """Make the topic unless it exists; where that is not allowed, somebody else has to."""
        self._ask(lambda admin: self._make(admin, topic), _MAKING_SECONDS)

    def lag(self, topic: str, group: str) -> int:
        """Records kept that the group has not done; 0 where there is no such topic."""
        return self._ask(lambda admin: _lag(admin, topic, group_id(topic, group)))

    def ask(self, question: Callable[[KafkaAdminClient], AnswerT]) -> AnswerT:
        """The answer to a question of the caller's own."""
        return self._ask(question)

    def close(self) -> None:
        with self._turn:
            self._drop()

    def _drop(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()

    def _ask(self, question: Callable[[KafkaAdminClient], AnswerT], seconds: float = ANSWER_SECONDS) -> AnswerT:
        deadline = time.monotonic() + seconds
        if not self._turn.acquire(timeout=seconds):
            raise BusUnavailableError("Kafka does not answer")
        try:
            while True:
                try:
                    if self._admin is None:
                        request = {"request_timeout_ms": int(ANSWER_SECONDS * 1_000)}
                        self._admin, _ = opened(KafkaAdminClient, **self._options, **request)
                    return question(self._admin)
                except (KafkaError, OSError) as error:
                    self._drop()
                    again = isinstance(error, RetriableError) and not isinstance(error, KafkaTimeoutError)
                    if not again or time.monotonic() + _PAUSE_SECONDS >= deadline:
                        raise BusUnavailableError(f"Kafka does not answer: {error}") from error
                time.sleep(_PAUSE_SECONDS)
        finally:
            self._turn.release()

    def _make(self, admin: KafkaAdminClient, topic: str) -> None:
        if _partitions(admin, topic)[0]:
            return
        try:
            admin.create_topics({topic: self._shape()}, wait_for_metadata=True)
        except TopicAlreadyExistsError:
            return
        except AuthorizationError as error:
            raise BusUnavailableError(f"Kafka has no topic {topic!r} and does not let us make it: {error}") from error
        log.info("bus topic made", topic=topic, **self._shape())

    def _shape(self) -> dict[str, Any]:
        copies = self._settings.kafka_replication
        configs = {
            "cleanup.policy": "delete",
            "max.message.bytes": str(_MAX_BATCH_BYTES),
            "retention.ms": str(self._settings.kafka_retention * _MILLISECONDS_AN_HOUR),
        }
        if copies >= _SEVERAL_COPIES:  # or one broker alone could confirm a record, and then be lost
            configs["min.insync.replicas"] = "2"
        return {
            "num_partitions": self._settings.kafka_partitions,
            "replication_factor": copies or -1,
            "configs": configs,
        }


def _partitions(admin: KafkaAdminClient, topic: str) -> tuple[list[TopicPartition], str]:
    """The partitions of a topic, none where it does not exist, and the name of its incarnation."""
    [described] = admin.describe_topics([topic])
    numbers = [partition["partition_index"] for partition in described["partitions"]]
    return [TopicPartition(topic, number) for number in numbers], log_name(described.get("topic_id"))


def _lag(admin: KafkaAdminClient, topic: str, group: str) -> int:
    partitions, log_now = _partitions(admin, topic)
    if not partitions:
        return 0
    first = _offsets(admin, partitions, OffsetSpec.EARLIEST)
    end = _offsets(admin, partitions, OffsetSpec.LATEST)
    committed: Mapping[TopicPartition, OffsetAndMetadata] = admin.list_group_offsets({group: partitions})[group]
    return sum(_behind(committed.get(one), log_now, first[one], end[one]) for one in partitions)


def _offsets(admin: KafkaAdminClient, partitions: Sequence[TopicPartition], which: Any) -> dict[TopicPartition, int]:
    found = admin.list_partition_offsets(dict.fromkeys(partitions, which))
    return {partition: place.offset for partition, place in found.items()}


def _behind(committed: OffsetAndMetadata | None, log_now: str, first: int, end: int) -> int:
    if committed is None or not first <= committed.offset <= end:
        return end - first
    progress = read_progress(committed.offset, committed.metadata or "", log_now) or Progress()
    still_open = sum(first <= offset < end for offset in progress.open)
    return still_open + max(0, end - progress.next)

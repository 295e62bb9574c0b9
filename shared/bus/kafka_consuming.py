"""Reading from Kafka into asyncio: a member of a consumer group whose client runs in a thread of its own."""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from shared.bus import BusUnavailableError, Delivery, Message, Position
from shared.bus.kafka_options import opened
from shared.bus.kafka_progress import Progress, log_name, read_progress
from shared.bus.kafka_publishing import message_of

log = structlog.get_logger()

COMMIT_SECONDS = 1.5
TURN_SECONDS = 1.0  # how long a stop may take to be noticed
_JOIN_SECONDS = 5.0
_RETRY_SECONDS = 0.5
_SHORTEST_WAIT_SECONDS = 0.3  # what a round trip may take even if nobody wants to wait
_STOP_SECONDS = 5.0
_BUFFERED = 500
_BUFFERED_BYTES = 8 * 1024 * 1024
# A member that was killed is given up after the session; its partitions stand still until then.
_SESSION_MILLISECONDS = 10_000
_HEARTBEAT_MILLISECONDS = 3_000
_FETCH_MILLISECONDS = 2_000
METADATA_MILLISECONDS = 60_000  # how long a topic that was made anew may go unnoticed
_REQUEST_MILLISECONDS = 12_000
_PARTITION_BYTES = 2 * 1024 * 1024


def group_id(topic: str, group: str) -> str:
    """The name of a group in Kafka: one a topic, or members that read different topics would rebalance each other."""
    return f"{group}.{topic}"


class _Found(NamedTuple):
    position: Position
    message: Message


class KafkaSubscription:
    """A Subscription; one thread polls, takes part in rebalances and reads ahead a little.

    Partitions come and go. `_settled` are those assigned to this member whose committed progress it has read;
    `_progress` outlives an assignment, so that what this life handed out is not handed out again.
    """

    def __init__(self, topic: str, group: str, options: dict[str, Any], executor: Executor) -> None:
        self._topic = topic
        self._group = group
        self._options = options
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"kafka-{topic}-{group}", daemon=True)
        self._consumer: KafkaConsumer | None = None
        self._connections: KafkaNetClient | None = None
        self._away = False
        self._stopping = threading.Event()
        self._room = threading.Event()
        self._arrived = asyncio.Event()
        self._joined = asyncio.Event()
        self._state = threading.Lock()  # guards what follows
        self._ready: deque[_Found] = deque()
        self._ready_bytes = 0
        self._log = ""  # the topic's incarnation that all this is about
        self._progress: dict[int, Progress] = {}
        self._assigned: set[int] = set()
        self._settled: set[int] = set()
        self._changed: set[int] = set()
        self._acks = 0
        self._committed = 0  # of those acks, the number that is durable
        self._fault: BusUnavailableError | None = None
        self._committing = threading.Lock()
        self._acking = asyncio.Lock()

    async def join(self) -> None:
        """Start; returns when the group has given this member its share, or after _JOIN_SECONDS.

        Raises BusUnavailableError where Kafka is away.
        """
        self._thread.start()
        waits = [asyncio.create_task(event.wait()) for event in (self._joined, self._arrived)]
        await asyncio.wait(waits, timeout=_JOIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if self._fault is not None:
            await self.close()
            raise self._fault

    async def take(self, most: int, wait: float) -> list[Delivery]:
        deadline = time.monotonic() + max(wait, _SHORTEST_WAIT_SECONDS)
        while True:
            self._arrived.clear()
            if found := self._pop(most):
                return found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._arrived.wait()
            if time.monotonic() >= deadline and not self._ready:
                return []

    def _pop(self, most: int) -> list[Delivery]:
        found: list[Delivery] = []
        with self._state:
            fault, self._fault = self._fault, None
            while self._ready and len(found) < most:
                position, message = self._ready.popleft()
                self._ready_bytes -= message.size
                if attempt := self._progress[position.partition].meet(position.offset):
                    found.append(Delivery(position, message, attempt))
        self._room.set()
        if fault is not None and not found:
            raise fault
        return found

    async def ack(self, positions: Sequence[Position]) -> None:
        """Acknowledge; calls that wait for each other go to the group as one commit.

        What belongs to another member by now is left to it.
        """
        with self._state:
            for partition, offset in ((position.partition, position.offset) for position in positions):
                if partition in self._progress:
                    self._progress[partition].done(offset)
                if partition in self._assigned:
                    self._changed.add(partition)
            self._acks += 1
            mine = self._acks
        async with self._acking:
            if self._committed < mine:
                await self._loop.run_in_executor(self._executor, self._commit)

    async def close(self) -> None:
        self._stopping.set()
        self._room.set()
        await self._loop.run_in_executor(self._executor, self._thread.join, _STOP_SECONDS)

    def _commit(self) -> None:
        """Commit what has changed; raises BusUnavailableError, and then it counts as changed still."""
        with self._committing:
            with self._state:
                changed = self._changed & self._assigned
                self._changed.clear()
                acks = self._acks
            try:
                self._send_commit(changed)
                self._committed = acks
            except (KafkaError, OSError, RuntimeError, BusUnavailableError) as error:
                # RuntimeError: the client was closed meanwhile
                with self._state:
                    self._changed |= changed & self._assigned
                raise BusUnavailableError(f"Kafka did not confirm the acknowledgement: {error}") from error

    def _send_commit(self, partitions: Collection[int]) -> None:
        with self._state:
            if not self._settled.issuperset(partitions):
                raise BusUnavailableError("the group shares its partitions anew")
            states = {number: self._progress[number] for number in partitions}
            offsets = {
                self._partition(number): OffsetAndMetadata(state.base, state.metadata(self._log), -1)
                for number, state in states.items()
            }
        if offsets:
            if self._consumer is None:
                raise BusUnavailableError("Kafka is away")
            self._consumer.commit(offsets, timeout_ms=COMMIT_SECONDS * 1_000)

    def _partition(self, number: int) -> TopicPartition:
        return TopicPartition(self._topic, number)

    # From here on in the thread.

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if self._consumer is None:
                    self._consumer = self._open()
                self._turn(self._consumer)
                self._say_back()
            except Exception as error:  # noqa: BLE001 (a fault in the client must not end the reading, unseen)
                self._report(error)
                self._leave()
                self._stopping.wait(_RETRY_SECONDS)
        self._leave()

    def _open(self) -> KafkaConsumer:
        consumer, self._connections = opened(
            KafkaConsumer,
            **self._options,
            group_id=group_id(self._topic, self._group),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=_SESSION_MILLISECONDS,
            heartbeat_interval_ms=_HEARTBEAT_MILLISECONDS,
            metadata_max_age_ms=METADATA_MILLISECONDS,
            fetch_max_wait_ms=_FETCH_MILLISECONDS,
            fetch_max_bytes=_BUFFERED_BYTES,
            max_partition_fetch_bytes=_PARTITION_BYTES,
            request_timeout_ms=_REQUEST_MILLISECONDS,
            metrics_enabled=False,
        )
        # Asked for before the group is joined: or the first share is of a topic without partitions.
        consumer.partitions_for_topic(self._topic)
        consumer.subscribe([self._topic], listener=_Listener(self))
        return consumer

    def _turn(self, consumer: KafkaConsumer) -> None:
        """One look at the log; while there is no room, only the membership is kept up."""
        if self._is_full():
            consumer.pause(*consumer.assignment())
            found = consumer.poll(timeout_ms=0, max_records=_BUFFERED)
            self._room.wait(TURN_SECONDS)
        else:
            consumer.resume(*consumer.paused())
            found = consumer.poll(timeout_ms=TURN_SECONDS * 1_000, max_records=_BUFFERED)
        _resume_joining(consumer)
        self._notice_new_log()
        settled = self._settle(consumer)
        self._keep([record for records in found.values() for record in records if record.partition not in settled])

    def _notice_new_log(self) -> None:
        """Where the topic was deleted and made anew, nothing of what was known holds; raises BusUnavailableError."""
        now = log_name(self._connections.cluster.topic_id(self._topic)) if self._connections else ""
        if not now or now == self._log:
            return
        with self._state:
            before, self._log = self._log, now
            self._ready.clear()
            self._settled.clear()
            self._changed.clear()
            self._progress.clear()
        if before:
            log.error("bus topic is gone and starts anew", topic=self._topic)
            raise BusUnavailableError("the topic was made anew")

    def _is_full(self) -> bool:
        with self._state:
            self._room.clear()
            return len(self._ready) >= _BUFFERED or self._ready_bytes >= _BUFFERED_BYTES

    def _settle(self, consumer: KafkaConsumer) -> set[int]:
        """Bring what the group has committed together with what this life knows, for newly assigned partitions.

        Returns those: what was read of them until now does not count. The client keeps its place in a partition
        that a rebalance gives back, though what it had read ahead is gone; hence each is told where to read.
        """
        unsettled = self._assigned - self._settled
        for number in unsettled:
            partition = self._partition(number)
            committed = consumer.committed(partition, metadata=True, timeout_ms=COMMIT_SECONDS * 1_000)
            found = read_progress(committed.offset, committed.metadata or "", self._log) if committed else None
            consumer.seek(partition, self._merge(number, found or Progress()))
        if unsettled & self._changed:
            with contextlib.suppress(BusUnavailableError):  # the next acknowledgement will see to it
                self._commit()
        return unsettled

    def _merge(self, number: int, theirs: Progress) -> int:
        """Where to read a partition from, given what the group has committed of it."""
        with self._state:
            ours = self._progress.get(number)
            both = self._progress[number] = theirs if ours is None else ours.merged(theirs)
            self._settled.add(number)
            if (both.base, both.next, both.open) != (theirs.base, theirs.next, theirs.open):
                self._changed.add(number)
            return both.start

    def _keep(self, records: Sequence[Any]) -> None:
        found = [
            _Found(Position(record.partition, record.offset), message_of(record.headers, record.value))
            for record in records
        ]
        if found:
            with self._state:
                self._ready.extend(found)
                self._ready_bytes += sum(one.message.size for one in found)
            self._tell(self._arrived)

    def _report(self, error: Exception) -> None:
        fault = error if isinstance(error, BusUnavailableError) else BusUnavailableError(f"Kafka is away: {error}")
        if not isinstance(error, KafkaError | OSError | BusUnavailableError):
            log.error("bug", topic=self._topic, group=self._group, exc_info=error)
        elif not self._away and not self._stopping.is_set():
            log.warning("bus away", topic=self._topic, group=self._group, error=str(error))
        self._away = True
        with self._state:
            self._fault = fault
        self._tell(self._arrived)

    def _say_back(self) -> None:
        if self._away:
            log.info("bus back", topic=self._topic, group=self._group)
        self._away = False

    def _leave(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError, OSError, RuntimeError):
                consumer.close(autocommit=False, timeout_ms=COMMIT_SECONDS * 1_000)
        self.revoked(frozenset(self._assigned))

    def _tell(self, event: asyncio.Event) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(event.set)

    def revoked(self, numbers: Collection[int]) -> None:
        """What was read ahead of these partitions is read again by whoever gets them."""
        with self._state:
            self._assigned -= set(numbers)
            self._settled -= set(numbers)
            self._changed -= set(numbers)
            self._ready = deque(one for one in self._ready if one.position.partition not in numbers)
            self._ready_bytes = sum(one.message.size for one in self._ready)

    def assigned(self, numbers: Collection[int]) -> None:
        """The group gave this member these partitions; they are settled before a record of them is kept."""
        with self._state:
            self._assigned |= set(numbers)
            self._settled -= set(numbers)
        self._tell(self._joined)


def _resume_joining(consumer: KafkaConsumer) -> None:
    """Undo a fault of kafka-python 3.0.

    Where a poll ends in the middle of a rebalance that began because the topic's partitions changed, the next poll
    sees no reason to rejoin: the member would wait for ever, without partitions and without heartbeats.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 (nothing public tells or mends it)
    if coordinator.rejoining and not coordinator.need_rejoin():
        coordinator.request_rejoin()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Called while the thread polls; partitions that are lost count as revoked."""

    def __init__(self, subscription: KafkaSubscription) -> None:
        self._subscription = subscription

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._subscription.revoked({one.partition for one in revoked})

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._subscription.assigned({one.partition for one in assigned})

"""The Kafka bus where a real broker is stopped, frozen, shared, full, guarded or emptied."""

import asyncio
import contextlib
import gc
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, KafkaProducer, OffsetAndMetadata, TopicPartition

from shared.bus import Bus, BusUnavailableError, Delivery, Message, Position, Subscription, open_bus
from shared.bus.kafka_consuming import group_id
from shared.config import KafkaSettings
from tests.engines.kafka import KafkaCluster, running

pytestmark = pytest.mark.engines

# A group that has just lost its broker may take this long to share its partitions.
_JOIN_SECONDS = 15
ONE = KafkaSettings(kafka_partitions=1)
SIX = KafkaSettings(kafka_partitions=6)


@pytest.fixture(scope="module")
def own() -> Iterator[KafkaCluster]:
    """A broker that the tests of this module may stop; each leaves it running."""
    with running() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def quick_turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("shared.bus.kafka_consuming.TURN_SECONDS", 0.1)
    yield
    gc.collect()  # a socket that is left unclosed fails the test that left it, not a later one


async def until(check: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def opened(cluster: KafkaCluster, settings: KafkaSettings = ONE) -> AsyncIterator[Bus]:
    bus = open_bus(cluster.url, settings)
    try:
        yield bus
    finally:
        await bus.close()


@pytest.fixture
def topic() -> str:
    return f"t{uuid4().hex}"


def message(number: int, data: bytes = b"{}") -> Message:
    return Message({"specversion": "1.0", "id": str(number), "type": "test", "source": "/t"}, data)


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [int(delivery.message.attributes["id"]) for delivery in deliveries]


def positions(deliveries: Sequence[Delivery]) -> list[Position]:
    return [delivery.position for delivery in deliveries]


async def publish(bus: Bus, topic: str, wanted: range) -> list[Position]:
    return await bus.publish(topic, [message(number) for number in wanted])


async def publish_surely(bus: Bus, topic: str, number: int) -> None:
    while True:
        with contextlib.suppress(BusUnavailableError):
            await publish(bus, topic, range(number, number + 1))
            return
        await asyncio.sleep(0.05)


async def ack_surely(subscription: Subscription, found: Sequence[Position]) -> None:
    while True:
        with contextlib.suppress(BusUnavailableError):
            return await subscription.ack(found)
        await asyncio.sleep(0.05)


async def take_all(subscription: Subscription, wait: float = 1) -> list[Delivery]:
    taken = await subscription.take(1000, _JOIN_SECONDS)
    while found := await subscription.take(1000, wait):
        taken += found
    return taken


async def read_all(bus: Bus, topic: str) -> list[Delivery]:
    subscription = await bus.subscribe(topic, f"check-{uuid4().hex}")
    taken = await take_all(subscription)
    await subscription.close()
    return taken


async def refused_within(bus: Bus, topic: str, seconds: float) -> None:
    started = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await publish(bus, topic, range(1000, 1001))
    assert time.monotonic() - started < seconds


async def test_a_killed_broker_is_refused_and_comes_back_with_every_acked_message(
    own: KafkaCluster, topic: str
) -> None:
    async with opened(own) as bus:
        for number in range(10):
            await publish_surely(bus, topic, number)
        own.kill()
        await asyncio.gather(*(refused_within(bus, topic, 2) for _ in range(5)))
        with pytest.raises(BusUnavailableError):
            await bus.ping()
        own.start()
        await publish_surely(bus, topic, 10)
        seen = numbers(await read_all(bus, topic))
        assert set(seen) - {1000} == set(range(11))


async def test_a_frozen_broker_is_refused_and_what_was_in_doubt_is_stored_once_at_most(
    own: KafkaCluster, topic: str
) -> None:
    async with opened(own) as bus:
        await publish(bus, topic, range(1))
        own.pause()
        started = time.monotonic()
        in_doubt = [asyncio.create_task(bus.publish(topic, [message(number)])) for number in range(100, 103)]
        await asyncio.wait(in_doubt)
        assert time.monotonic() - started < 2
        assert all(isinstance(task.exception(), BusUnavailableError) for task in in_doubt)
        own.resume()
        await publish_surely(bus, topic, 1)
        seen = Counter(numbers(await read_all(bus, topic)))
        assert seen[0] == 1
        assert all(seen[number] <= 1 for number in range(100, 103)), "tries of the client itself are told apart"


async def test_a_bus_that_never_found_its_broker_refuses_and_leaves_no_thread(topic: str) -> None:
    import threading

    before = threading.active_count()
    bus = open_bus("kafka://127.0.0.1:1", ONE)
    for _ in range(2):
        await refused_within(bus, topic, 2)
        with pytest.raises(BusUnavailableError):
            await bus.subscribe(topic, "g")
    await bus.close()
    await asyncio.sleep(0.2)
    assert threading.active_count() <= before


async def test_no_more_is_taken_in_than_fits_while_the_broker_is_frozen(
    own: KafkaCluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.bus.kafka_publishing.MAX_UNSETTLED_BYTES", 10_000)
    async with opened(own) as bus:
        await publish(bus, topic, range(1))
        own.pause()
        hanging = asyncio.create_task(bus.publish(topic, [message(1, bytes(9_000))]))
        await asyncio.sleep(0.1)
        started = time.monotonic()
        with pytest.raises(BusUnavailableError, match="too much waits"):
            await bus.publish(topic, [message(2, bytes(2_000))])
        assert time.monotonic() - started < 0.5
        await asyncio.wait({hanging})
        with pytest.raises(BusUnavailableError, match="too much waits"):  # it was given up, and still is on its way
            await bus.publish(topic, [message(3, bytes(2_000))])
        own.resume()
        await publish_surely(bus, topic, 4)
        await bus.publish(topic, [message(5, bytes(2_000))])


async def test_a_reader_survives_a_freeze_and_a_kill_and_sees_each_message_once(own: KafkaCluster, topic: str) -> None:
    async with opened(own) as bus:
        subscription = await bus.subscribe(topic, "g")
        seen: list[Delivery] = []
        stop = asyncio.Event()

        async def read() -> None:
            while not stop.is_set():
                with contextlib.suppress(BusUnavailableError):
                    found = await subscription.take(10, 0.5)
                    seen.extend(found)
                    await ack_surely(subscription, positions(found))

        reading = asyncio.create_task(read())
        for number in range(30):
            if number == 10:
                own.pause()
                await asyncio.sleep(3)
                own.resume()
            if number == 20:
                own.kill()
                await asyncio.sleep(0.2)
                own.start()
            await publish_surely(bus, topic, number)
        await until(lambda: set(numbers(seen)) == set(range(30)), 30)
        stop.set()
        await reading
        offsets = [position.offset for position in positions(seen)]
        assert offsets == list(range(len(offsets))), "in order, none twice, none missing"
        assert await bus.lag(topic, "g") == 0
        await subscription.close()


async def test_partitions_are_all_used_and_each_counts_without_a_gap(kafka: KafkaCluster, topic: str) -> None:
    async with opened(kafka, SIX) as bus:
        for number in range(120):
            await publish(bus, topic, range(number, number + 1))
        taken = await read_all(bus, topic)
    assert sorted(numbers(taken)) == list(range(120))
    by_partition: dict[int, list[int]] = {}
    for position in positions(taken):
        by_partition.setdefault(position.partition, []).append(position.offset)
    assert len(by_partition) == 6
    assert all(offsets == list(range(len(offsets))) for offsets in by_partition.values())


async def test_members_that_come_and_go_lose_nothing_and_none_sees_a_position_twice(
    kafka: KafkaCluster, topic: str
) -> None:
    """A rebalance storm: a second and a third member join and leave while records come and are acknowledged late."""
    handled: set[int] = set()
    stop = asyncio.Event()

    async def member(bus: Bus, turns: int) -> None:
        subscription = await bus.subscribe(topic, "g")
        mine: list[Position] = []
        while turns and not stop.is_set():
            found = await subscription.take(7, 0.3)
            mine += positions(found)
            await asyncio.sleep(random.random() * 0.05)
            random.shuffle(found)
            handled.update(numbers(found[: len(found) // 2]))
            await ack_surely(subscription, positions(found[: len(found) // 2]))
            handled.update(numbers(found[len(found) // 2 :]))
            await ack_surely(subscription, positions(found[len(found) // 2 :]))
            turns -= 1
        assert len(mine) == len(set(mine))
        await subscription.close()

    async def passing_by(bus: Bus) -> None:
        for _ in range(3):
            await member(bus, 6)

    async with opened(kafka, SIX) as bus:
        await publish(bus, topic, range(1))
        steady = asyncio.create_task(member(bus, 10**9))
        storm = [asyncio.create_task(passing_by(bus)) for _ in range(2)]
        for number in range(1, 300):
            await publish_surely(bus, topic, number)
            await asyncio.sleep(0.01)
        await asyncio.gather(*storm)
        await until(lambda: handled == set(range(300)), 60)
        stop.set()
        await steady
        assert await bus.lag(topic, "g") == 0


async def test_a_group_set_back_to_offset_0_gets_everything_again(kafka: KafkaCluster, topic: str) -> None:
    async with opened(kafka) as bus:
        await publish(bus, topic, range(20))
        first = await bus.subscribe(topic, "g")
        await first.ack(positions(await take_all(first)))
        await first.close()
        assert await bus.lag(topic, "g") == 0
        set_back(kafka, topic, "g")
        assert await bus.lag(topic, "g") == 20
        second = await bus.subscribe(topic, "g")
        assert numbers(await take_all(second)) == list(range(20))
        await second.close()


def set_back(cluster: KafkaCluster, topic: str, group: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers(cluster))
    admin.alter_group_offsets(group_id(topic, group), {TopicPartition(topic, 0): OffsetAndMetadata(0, "", -1)})
    admin.close()


def servers(cluster: KafkaCluster) -> list[str]:
    return [f"127.0.0.1:{broker.port}" for broker in cluster.brokers]


async def test_a_record_above_the_topics_limit_is_refused_and_holds_up_nothing(kafka: KafkaCluster, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=servers(kafka))
    admin.create_topics({topic: {"num_partitions": 1, "configs": {"max.message.bytes": "10000"}}})
    admin.close()
    async with opened(kafka) as bus:
        await publish(bus, topic, range(1))
        with pytest.raises(BusUnavailableError, match="MessageSizeTooLarge"):
            await bus.publish(topic, [message(1, random.randbytes(50_000))])
        await publish(bus, topic, range(2, 3))
        assert numbers(await read_all(bus, topic)) == [0, 2]


async def test_a_topic_that_was_deleted_starts_anew(
    kafka: KafkaCluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.bus.kafka_consuming.METADATA_MILLISECONDS", 1_000)
    async with opened(kafka) as bus:
        subscription = await bus.subscribe(topic, "g")
        await publish(bus, topic, range(3))
        taken = await subscription.take(10, 2)
        await subscription.ack(positions(taken))
        admin = KafkaAdminClient(bootstrap_servers=servers(kafka))
        admin.delete_topics([topic])
        admin.close()
        for number in range(10, 12):
            await publish_surely(bus, topic, number)
        async with asyncio.timeout(30):
            seen: list[int] = []
            while set(seen) != {10, 11}:
                with contextlib.suppress(BusUnavailableError):
                    seen += numbers(await subscription.take(10, 1))
        await subscription.close()


async def test_records_of_another_producer_are_read(kafka: KafkaCluster, topic: str) -> None:
    async with opened(kafka) as bus:
        await publish(bus, topic, range(1))
        producer = KafkaProducer(bootstrap_servers=servers(kafka), compression_type="gzip")
        producer.send(topic, b"{}", key=b"k", headers=[("ce_id", b"7"), ("ce_type", b"x"), ("other", b"y")]).get(5)
        producer.send(topic, b"not an event").get(5)
        producer.close()
        found = [delivery.message for delivery in await read_all(bus, topic)]
        assert found[1:] == [Message({"id": "7", "type": "x"}, b"{}"), Message({}, b"not an event")]

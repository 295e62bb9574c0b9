"""One contract for looking at the bus, in memory, on a real Valkey and on a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest

from shared.bus import Bus, BusUnavailableError, Delivery, Message, Position, Subscription, open_bus
from shared.bus.inspection import Inspection, TopicState, open_inspection
from shared.config import KafkaSettings
from tests.valkey_server import ValkeyServer

Both = tuple[Bus, Inspection]


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture(params=["memory", "valkey", "kafka"])
async def both(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Both]:
    monkeypatch.setattr("shared.bus.kafka_consuming.TURN_SECONDS", 0.1)
    url = "memory://" if request.param == "memory" else request.getfixturevalue(request.param).url
    bus = open_bus(url, KafkaSettings(kafka_partitions=1))
    looking: Any = open_inspection(url, KafkaSettings()) if request.param == "kafka" else bus
    assert isinstance(looking, Inspection)
    yield bus, looking
    await bus.close()
    if request.param == "kafka":
        await looking.close()


def message(number: int) -> Message:
    return Message({"specversion": "1.0", "id": str(number), "type": "t", "source": "/s"}, b"x" * number)


async def take(subscription: Subscription, count: int) -> list[Delivery]:
    """So many messages, however many come at once."""
    taken: list[Delivery] = []
    while len(taken) < count:
        taken += await subscription.take(count - len(taken), 5)
    return taken


async def ack(subscription: Subscription, found: Sequence[Position]) -> None:
    """As the port says: repeat while it is not known, as while a group on Kafka shares its partitions anew."""
    deadline = time.monotonic() + 20
    while True:
        try:
            return await subscription.ack(found)
        except BusUnavailableError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)


async def state_of(looking: Inspection, topic: str) -> TopicState | None:
    return next((state for state in await looking.topics() if state.name == topic), None)


async def test_a_topic_is_shown_with_its_length_and_how_far_each_group_is(both: Both) -> None:
    bus, looking = both
    topic = f"t{uuid4().hex}"
    assert await state_of(looking, topic) is None
    one, two = await bus.subscribe(topic, "one"), await bus.subscribe(topic, "two")
    await bus.publish(topic, [message(number) for number in range(5)])
    for subscription in (one, two):
        taken = await take(subscription, 3)
        await ack(subscription, [taken[1].position])
    while rest := await two.take(10, 0.3):
        await ack(two, [delivery.position for delivery in rest])
    state = await state_of(looking, topic)
    assert state is not None
    assert state.length == 5
    assert state.groups["one"] == 4
    assert state.groups["two"] == 2
    for subscription in (one, two):
        await subscription.close()


async def test_what_a_group_has_not_acknowledged_is_shown_in_order_and_stays(both: Both) -> None:
    bus, looking = both
    topic = f"t{uuid4().hex}"
    assert await looking.waiting(topic, "g", 10) == []
    await bus.publish(topic, [message(number) for number in range(8)])
    assert len(await looking.waiting(topic, "g", 100)) == 8
    subscription = await bus.subscribe(topic, "g")
    taken = await take(subscription, 6)
    await ack(subscription, [taken[place].position for place in (0, 1, 3)])
    shown = await looking.waiting(topic, "g", 100)
    assert [delivery.message for delivery in shown] == [message(number) for number in (2, 4, 5, 6, 7)]
    assert [delivery.position for delivery in shown[:3]] == [taken[place].position for place in (2, 4, 5)]
    assert [delivery.message for delivery in await looking.waiting(topic, "g", 2)] == [message(2), message(4)]
    assert await bus.lag(topic, "g") == 5
    await subscription.close()


async def test_progress_says_below_which_number_all_is_acknowledged_and_which_log_it_is(both: Both) -> None:
    bus, looking = both
    topic = f"t{uuid4().hex}"
    assert await looking.progress(topic, "g") == []
    subscription = await bus.subscribe(topic, "g")
    await bus.publish(topic, [message(number) for number in range(6)])
    taken = await take(subscription, 6)
    [before] = await looking.progress(topic, "g")
    assert (before.partition, before.done, before.end) == (0, 0, 6)
    await ack(subscription, [taken[place].position for place in (0, 1, 3)])
    [between] = await looking.progress(topic, "g")
    assert (between.done, between.end) == (2, 6)
    await ack(subscription, [taken[place].position for place in (2, 4, 5)])
    [after] = await looking.progress(topic, "g")
    assert (after.done, after.end, after.log) == (6, 6, before.log)
    await subscription.close()


async def test_a_bus_that_is_away_is_said_to_be() -> None:
    looking = open_inspection("redis://127.0.0.1:9/0")
    with pytest.raises(BusUnavailableError):
        await looking.topics()
    with pytest.raises(BusUnavailableError):
        await looking.waiting("t", "g", 1)
    with pytest.raises(BusUnavailableError):
        await looking.progress("t", "g")
    await looking.close()

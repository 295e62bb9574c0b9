"""One contract, held by the bus in memory, on a real Valkey and on a real Kafka; then what only servers go through."""

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvloop

from shared.bus import (
    MAX_MESSAGE_BYTES,
    Bus,
    BusUnavailableError,
    Delivery,
    Message,
    MessageTooLargeError,
    Position,
    Subscription,
    open_bus,
)
from shared.bus.kafka import KafkaBus
from shared.config import ConfigError, KafkaSettings
from tests.valkey_server import ValkeyServer


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture
def broken() -> Iterator[ValkeyServer]:
    """A server of its own for a test that stops it."""
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture(params=["memory", "valkey", "kafka"])
async def bus(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bus]:
    monkeypatch.setattr("shared.bus.kafka_consuming.TURN_SECONDS", 0.1)  # how fast a subscription closes
    url = "memory://" if request.param == "memory" else request.getfixturevalue(request.param).url
    opened = open_bus(url, KafkaSettings(kafka_partitions=1))
    yield opened
    await opened.close()


@pytest.fixture
def topic() -> str:
    return f"t{uuid4().hex}"


def message(number: int, data: bytes = b"{}") -> Message:
    return Message({"specversion": "1.0", "id": str(number), "type": "test", "source": "/té st%"}, data)


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [int(delivery.message.attributes["id"]) for delivery in deliveries]


def positions(deliveries: Sequence[Delivery]) -> list[Position]:
    return [delivery.position for delivery in deliveries]


async def publish(bus: Bus, topic: str, wanted: range) -> list[Position]:
    return await bus.publish(topic, [message(number) for number in wanted])


async def take_all(subscription: Subscription, most: int = 1000) -> list[Delivery]:
    taken = await subscription.take(most, 2)
    while found := await subscription.take(most, 0.05):
        taken += found
    return taken


async def test_positions_are_gapless_and_in_order_over_several_publishes(bus: Bus, topic: str) -> None:
    first = await publish(bus, topic, range(3))
    second = await publish(bus, topic, range(3, 4))
    third = await asyncio.gather(*(publish(bus, topic, range(n, n + 2)) for n in (4, 6, 8)))
    assert [p.offset for p in first + second] == [0, 1, 2, 3]
    assert sorted(p.offset for part in third for p in part) == [4, 5, 6, 7, 8, 9]
    assert all(part[1].offset == part[0].offset + 1 for part in third)
    assert {p.partition for p in first} == {0}


async def test_publishing_nothing_gives_no_position(bus: Bus, topic: str) -> None:
    assert await bus.publish(topic, []) == []


async def test_a_message_comes_out_as_it_went_in(bus: Bus, topic: str) -> None:
    sent = Message({"id": "1", "type": "ä\n\x00 %20", "source": "", "data": "x"}, bytes(range(256)) + b"\xff\xfe\r\n")
    [position] = await bus.publish(topic, [sent])
    subscription = await bus.subscribe(topic, "g")
    [delivery] = await subscription.take(10, 5)
    assert delivery == Delivery(position, sent, 1)
    await subscription.close()


async def test_a_new_group_starts_at_the_earliest_message_and_sees_all_in_order(bus: Bus, topic: str) -> None:
    await publish(bus, topic, range(25))
    subscription = await bus.subscribe(topic, "g")
    assert numbers(await subscription.take(10, 0)) == list(range(10))
    assert numbers(await take_all(subscription, 10)) == list(range(10, 25))
    await subscription.close()


async def test_take_waits_for_a_message(bus: Bus, topic: str) -> None:
    subscription = await bus.subscribe(topic, "g")
    waiting = asyncio.create_task(subscription.take(10, 5))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await publish(bus, topic, range(1))
    async with asyncio.timeout(1):
        assert numbers(await waiting) == [0]
    await subscription.close()


async def test_take_gives_up_when_nothing_comes(bus: Bus, topic: str) -> None:
    subscription = await bus.subscribe(topic, "g")
    started = time.monotonic()
    assert await subscription.take(10, 0.3) == []
    assert 0.25 < time.monotonic() - started < 1
    await subscription.close()


async def test_no_message_comes_twice_in_one_life_though_none_was_acked(bus: Bus, topic: str) -> None:
    await publish(bus, topic, range(10))
    subscription = await bus.subscribe(topic, "g")
    assert numbers(await take_all(subscription, 4)) == list(range(10))
    await publish(bus, topic, range(10, 12))
    assert numbers(await take_all(subscription)) == [10, 11]
    await subscription.close()


async def test_the_next_life_gets_the_unacked_first_with_a_higher_attempt(bus: Bus, topic: str) -> None:
    await publish(bus, topic, range(6))
    first = await bus.subscribe(topic, "g")
    taken = await first.take(5, 5)
    await first.ack([taken[1].position, taken[3].position])
    await first.close()
    second = await bus.subscribe(topic, "g")
    again = await take_all(second, 2)
    assert numbers(again) == [0, 2, 4, 5]
    assert [delivery.attempt for delivery in again] == [2, 2, 2, 1]
    assert [delivery.position.offset for delivery in again] == [0, 2, 4, 5]
    await second.ack(positions(again))
    await second.close()
    third = await bus.subscribe(topic, "g")
    assert await third.take(10, 0.05) == []
    await third.close()


async def test_groups_are_independent(bus: Bus, topic: str) -> None:
    await publish(bus, topic, range(4))
    one, two = await bus.subscribe(topic, "one"), await bus.subscribe(topic, "two")
    taken = await one.take(10, 5)
    await one.ack(positions(taken))
    assert (await bus.lag(topic, "one"), await bus.lag(topic, "two")) == (0, 4)
    assert numbers(await two.take(10, 5)) == [0, 1, 2, 3]
    await one.close()
    await two.close()


async def test_lag_counts_what_is_unread_and_what_is_unacked(bus: Bus, topic: str) -> None:
    assert await bus.lag(topic, "g") == 0
    await publish(bus, topic, range(7))
    assert await bus.lag(topic, "g") == 7
    subscription = await bus.subscribe(topic, "g")
    assert await bus.lag(topic, "g") == 7
    taken = await subscription.take(4, 5)
    assert await bus.lag(topic, "g") == 7
    await subscription.ack(positions(taken[1:3]))
    await subscription.ack(positions(taken[1:3]))
    assert await bus.lag(topic, "g") == 5
    await subscription.ack(positions(taken) + positions(await take_all(subscription)))
    assert await bus.lag(topic, "g") == 0
    await subscription.close()


async def test_a_cancelled_take_loses_nothing(bus: Bus, topic: str) -> None:
    subscription = await bus.subscribe(topic, "g")
    seen: list[int] = []
    for number in range(20):
        waiting = asyncio.create_task(subscription.take(10, 5))
        await asyncio.sleep(random.random() * 0.004)
        publishing = asyncio.create_task(publish(bus, topic, range(number, number + 1)))
        await asyncio.sleep(random.random() * 0.004)
        waiting.cancel()
        await asyncio.wait({waiting, publishing})
        if not waiting.cancelled():
            seen += numbers(waiting.result())
    seen += numbers(await take_all(subscription))
    assert seen == list(range(20))
    await subscription.close()


async def test_concurrent_acks_all_count(bus: Bus, topic: str) -> None:
    await publish(bus, topic, range(50))
    subscription = await bus.subscribe(topic, "g")
    taken = await subscription.take(50, 5)
    await asyncio.gather(*(subscription.ack([delivery.position]) for delivery in taken))
    assert await bus.lag(topic, "g") == 0
    await subscription.close()


async def test_a_large_message_is_refused_with_all_of_its_transaction(bus: Bus, topic: str) -> None:
    with pytest.raises(MessageTooLargeError):
        await bus.publish(topic, [message(0), message(1, bytes(MAX_MESSAGE_BYTES))])
    assert await bus.lag(topic, "g") == 0
    fits = message(2, b"")
    fits = Message(fits.attributes, bytes(MAX_MESSAGE_BYTES - fits.size))
    assert positions_of(await bus.publish(topic, [fits])) == [0]
    subscription = await bus.subscribe(topic, "g")
    [delivery] = await subscription.take(1, 5)
    assert delivery.message == fits
    await subscription.close()


def positions_of(found: Sequence[Position]) -> list[int]:
    return [position.offset for position in found]


async def test_numbering_goes_on_after_everything_was_acked(bus: Bus, topic: str) -> None:
    await publish(bus, topic, range(5))
    subscription = await bus.subscribe(topic, "g")
    await subscription.ack(positions(await subscription.take(10, 5)))
    assert positions_of(await publish(bus, topic, range(5, 7))) == [5, 6]
    assert numbers(await take_all(subscription)) == [5, 6]
    kept_by_age = isinstance(bus, KafkaBus)
    late = await bus.subscribe(topic, "late")
    assert numbers(await late.take(10, 5)) == (list(range(7)) if kept_by_age else [5, 6])
    assert await bus.lag(topic, "late") == (7 if kept_by_age else 2)
    await subscription.close()
    await late.close()


async def test_ping_answers(bus: Bus) -> None:
    await bus.ping()


@pytest.mark.parametrize(
    "url", ["mqtt://secret@host", "", "redis://host:secret/0", "kafka://u:secret@host:x", "kafka://u:secret@"]
)
async def test_an_unusable_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_bus(url)
    assert "secret" not in str(refused.value)


def test_the_port_is_light() -> None:
    code = "import sys, shared.bus; print([m for m in ('redis', 'kafka', 'asyncio', 'structlog') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# What only a server can go through.


@pytest.fixture
async def valkey_bus(broken: ValkeyServer) -> AsyncIterator[Bus]:
    opened = open_bus(broken.url)
    yield opened
    await opened.close()


async def restart(server: ValkeyServer) -> None:
    server.kill()
    server.start()
    await asyncio.sleep(0.05)  # the event loop hears of the closed connection


async def refused_within(bus: Bus, topic: str, seconds: float) -> None:
    started = time.monotonic()
    with pytest.raises(BusUnavailableError):
        await publish(bus, topic, range(1000, 1001))
    assert time.monotonic() - started < seconds


async def read_all(bus: Bus, topic: str) -> list[int]:
    subscription = await bus.subscribe(topic, "check")
    taken = await take_all(subscription)
    await subscription.close()
    return numbers(taken)


async def test_a_killed_server_is_refused_and_comes_back_with_every_acked_message(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    acked: list[int] = []
    for round_number in range(3):
        wanted = range(round_number * 10, round_number * 10 + 10)
        assert positions_of(await publish(valkey_bus, topic, wanted)) == list(wanted)
        acked += wanted
        broken.kill()
        await refused_within(valkey_bus, topic, 2)
        await refused_within(valkey_bus, topic, 2)
        broken.start()
    assert await read_all(valkey_bus, topic) == acked


async def test_a_killed_server_between_two_calls_is_not_even_noticed(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    await publish(valkey_bus, topic, range(2))
    await restart(broken)
    assert positions_of(await publish(valkey_bus, topic, range(2, 3))) == [2]


async def test_a_frozen_server_is_refused_and_no_stale_reply_is_taken_afterwards(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    await publish(valkey_bus, topic, range(1))
    broken.pause()
    for _ in range(2):
        await refused_within(valkey_bus, topic, 2)
    waiting = [asyncio.create_task(refused_within(valkey_bus, topic, 2)) for _ in range(5)]
    await asyncio.gather(*waiting)
    broken.resume()
    other = await valkey_bus.publish("other", [message(7), message(8)])
    assert positions_of(other) == [0, 1]
    [position] = await publish(valkey_bus, topic, range(1, 2))
    seen = await read_all(valkey_bus, topic)
    assert seen[0] == 0
    assert seen[position.offset] == 1
    assert set(seen[1:-1]) <= {1000}, "only what was in doubt may have been stored beside"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_tries_on_a_frozen_server_leave_no_connection_behind(broken: ValkeyServer, topic: str, run: Any) -> None:
    async def scenario() -> None:
        bus = open_bus(broken.url)
        await publish(bus, topic, range(1))
        before = open_files()
        broken.pause()
        for _ in range(2):
            with pytest.raises(BusUnavailableError):
                await bus.publish(topic, [message(1, bytes(900_000))])
        await asyncio.sleep(0.05)
        assert open_files() < before
        broken.resume()
        assert positions_of(await publish(bus, topic, range(1, 2))) == [1], "half a message is no message"
        await bus.close()

    run(scenario())


async def test_a_cancelled_publish_leaves_no_reply_for_the_next_one(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    await publish(valkey_bus, topic, range(1))
    for number in range(30):
        cancelled = asyncio.create_task(publish(valkey_bus, "noise", range(3)))
        await asyncio.sleep(random.random() * 0.002)
        cancelled.cancel()
        [position] = await publish(valkey_bus, topic, range(number + 1, number + 2))
        assert position.offset == number + 1
        await asyncio.wait({cancelled})


async def test_a_full_server_refuses_and_takes_messages_again_when_it_has_room(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    await publish(valkey_bus, topic, range(2))
    broken.command("CONFIG SET maxmemory 1")
    for batch in (range(1), range(2)):
        with pytest.raises(BusUnavailableError, match="maxmemory"):
            await publish(valkey_bus, topic, batch)
    broken.command("CONFIG SET maxmemory 0")
    assert positions_of(await publish(valkey_bus, topic, range(2, 4))) == [2, 3]


async def test_a_read_only_server_refuses(broken: ValkeyServer, valkey_bus: Bus, topic: str) -> None:
    broken.command("REPLICAOF 127.0.0.1 1")
    await refused_within(valkey_bus, topic, 2)
    broken.command("REPLICAOF NO ONE")
    assert positions_of(await publish(valkey_bus, topic, range(1))) == [0]


async def test_a_reader_survives_a_freeze_and_a_kill_and_sees_each_message_once(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    subscription = await valkey_bus.subscribe(topic, "g")
    seen: list[Delivery] = []
    stop = asyncio.Event()

    async def read() -> None:
        while not stop.is_set():
            try:
                seen.extend(await subscription.take(10, 0.5))
                await subscription.ack(positions(seen))
            except BusUnavailableError:
                await asyncio.sleep(0.05)

    reading = asyncio.create_task(read())
    for number in range(30):
        if number == 10:
            broken.pause()
            await asyncio.sleep(5)  # longer than a blocked read waits for its reply
            broken.resume()
        if number == 20:
            broken.kill()
            await asyncio.sleep(0.2)
            broken.start()
        await publish_surely(valkey_bus, topic, number)
    await eventually(lambda: len(set(numbers(seen))) == 30)
    stop.set()
    await reading
    offsets = positions_of(positions(seen))
    assert offsets == list(range(len(offsets))), "in order, none twice, none missing"
    assert await valkey_bus.lag(topic, "g") == 0
    await subscription.close()


async def eventually(check: Callable[[], bool], seconds: float = 25) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def publish_surely(bus: Bus, topic: str, number: int) -> None:
    while True:
        try:
            await publish(bus, topic, range(number, number + 1))
        except BusUnavailableError:
            await asyncio.sleep(0.05)
        else:
            return


async def test_entries_given_to_an_abandoned_read_are_found_again(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    """The server answers a read nobody waits for: its entries come at the next gap, or when it is quiet."""
    subscription = await valkey_bus.subscribe(topic, "g")
    await publish(valkey_bus, topic, range(2))
    assert numbers(await subscription.take(10, 5)) == [0, 1]
    stolen = f"XREADGROUP GROUP g sluice COUNT 1 STREAMS sluice:{topic} >"
    await publish(valkey_bus, topic, range(2, 4))
    broken.command(stolen)
    assert numbers(await take_all(subscription)) == [2, 3]
    await publish(valkey_bus, topic, range(4, 5))
    broken.command(stolen)
    assert numbers(await take_all(subscription)) == [4]
    await subscription.close()


async def test_the_stream_is_trimmed_up_to_the_slowest_group(broken: ValkeyServer, valkey_bus: Bus, topic: str) -> None:
    fast, slow = await valkey_bus.subscribe(topic, "fast"), await valkey_bus.subscribe(topic, "slow")
    await publish(valkey_bus, topic, range(10))
    everything = positions(await fast.take(100, 5))
    behind = positions(await slow.take(100, 5))
    await fast.ack(everything)
    assert kept(broken, topic) == 10
    await slow.ack(behind[:3] + behind[5:])
    assert await slow.take(1, 0.05) == []  # a quiet moment is used to trim
    assert kept(broken, topic) == 7
    await slow.ack(behind)
    assert await slow.take(1, 0.05) == []
    assert kept(broken, topic) == 0
    await restart(broken)
    assert positions_of(await publish(valkey_bus, topic, range(10, 11))) == [10]
    assert (await valkey_bus.lag(topic, "fast"), await valkey_bus.lag(topic, "slow")) == (1, 1)
    assert numbers(await take_all(fast)) == [10]
    await fast.close()
    await slow.close()


def kept(server: ValkeyServer, topic: str) -> int:
    return int(server.command(f"XLEN sluice:{topic}").strip(b":\r\n"))


async def test_numbering_survives_a_rewrite_of_the_append_only_file(
    broken: ValkeyServer, valkey_bus: Bus, topic: str
) -> None:
    subscription = await valkey_bus.subscribe(topic, "g")
    await publish(valkey_bus, topic, range(3))
    await subscription.ack(positions(await subscription.take(10, 5)))
    assert await subscription.take(1, 0.05) == []
    broken.command("BGREWRITEAOF")
    await eventually(lambda: b"aof_rewrite_in_progress:0" in broken.command("INFO persistence"))
    await restart(broken)
    assert positions_of(await publish(valkey_bus, topic, range(3, 4))) == [3]
    await subscription.close()


async def test_lag_is_exact_where_the_server_has_lost_count(broken: ValkeyServer, valkey_bus: Bus, topic: str) -> None:
    subscription = await valkey_bus.subscribe(topic, "g")
    await publish(valkey_bus, topic, range(10))
    taken = await subscription.take(6, 5)
    broken.command(f"XGROUP SETID sluice:{topic} g 0-4")
    assert b"$-1" in broken.command(f"XINFO GROUPS sluice:{topic}")
    assert await valkey_bus.lag(topic, "g") == 6 + len(taken)
    await subscription.close()


async def test_a_topic_that_vanished_starts_anew(broken: ValkeyServer, valkey_bus: Bus, topic: str) -> None:
    subscription = await valkey_bus.subscribe(topic, "g")
    await publish(valkey_bus, topic, range(3))
    assert numbers(await subscription.take(10, 5)) == [0, 1, 2]
    broken.command("FLUSHALL")
    await publish(valkey_bus, topic, range(3, 5))
    assert numbers(await take_all(subscription) or await take_all(subscription)) == [3, 4]
    await subscription.close()


async def test_messages_removed_by_hand_are_passed_over(broken: ValkeyServer, valkey_bus: Bus, topic: str) -> None:
    first = await valkey_bus.subscribe(topic, "g")
    await publish(valkey_bus, topic, range(4))
    await first.take(3, 5)
    await first.close()
    broken.command(f"XTRIM sluice:{topic} MINID = 0-3")
    second = await valkey_bus.subscribe(topic, "g")
    taken = await take_all(second)
    assert numbers(taken) == [2, 3]
    await second.ack(positions(taken))
    assert await valkey_bus.lag(topic, "g") == 0
    await second.close()


async def test_a_password_is_used_and_never_shown(broken: ValkeyServer, topic: str) -> None:
    broken.command("CONFIG SET requirepass right")
    wrong, right = open_bus(f"{broken.url}?password=mistaken"), open_bus(f"{broken.url}?password=right")
    with pytest.raises(BusUnavailableError) as refused:
        await wrong.ping()
    assert "mistaken" not in str(refused.value)
    assert positions_of(await publish(right, topic, range(1))) == [0]
    await wrong.close()
    await right.close()

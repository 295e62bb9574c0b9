"""The emulated KafkaSource: what it posts, when it acknowledges, retries, gives up, and what a stop leaves."""

import asyncio
import base64
import socket
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import web

from shared.bus import Bus, open_bus
from shared.local.delivery import RetryPolicy
from shared.local.kafka_source import IN_FLIGHT, IN_FLIGHT_BYTES
from shared.wiring import Topic, Wiring
from tests.integration.sources_harness import (
    EVENTS,
    Work,
    answering,
    dead_letters,
    event,
    eventually,
    function,
    reader,
    settled,
    sources,
)
from tests.valkey_server import ValkeyServer


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture
async def bus(valkey: ValkeyServer) -> AsyncIterator[Bus]:
    opened = open_bus(valkey.url)
    yield opened
    await opened.close()


@pytest.fixture
async def work() -> AsyncIterator[Work]:
    server = Work()
    await server.start()
    yield server
    await server.stop()


async def test_a_record_is_one_binary_post_with_its_place_on_the_bus(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    data = b"\x00\xff{}\n"
    await bus.publish("events", [event(0), event(1, data, subject='ä "5 %"', datacontenttype="a/b", traceparent=trace)])
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert sorted(work.ids) == ["e0", "e1"]
    path, headers, body = next(seen for seen in work.seen if seen[1]["ce-id"] == "e1")
    assert path == "/batch-write/"
    assert body == data
    expected = {
        "ce-specversion": "1.0",
        "ce-type": EVENTS,
        "ce-subject": "%C3%A4%20%225%20%25%22",
        "ce-knativekafkapartition": "0",
        "ce-knativekafkaoffset": "1",
        "content-type": "a/b",
        "content-length": "5",
        "traceparent": trace,
        "ce-traceparent": trace,
    }
    assert headers | expected == headers
    assert await dead_letters(bus) == []


@pytest.mark.parametrize("status", [500, 502, 503, 404, 408, 409, 429])
async def test_what_may_pass_is_tried_again_until_it_does(
    valkey: ValkeyServer, bus: Bus, work: Work, status: int
) -> None:
    work.answers = [status, status, status, 200]
    await bus.publish("events", [event(0)])
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert work.ids == ["e0"] * 4
    assert await dead_letters(bus) == []


@pytest.mark.parametrize("status", [400, 401, 410, 422, 302])
async def test_a_final_refusal_is_a_dead_letter_at_once(
    valkey: ValkeyServer, bus: Bus, work: Work, status: int
) -> None:
    refused = answering(status, b"no\xff", Kne_Refusal="bad_id", Kne_Odd_Name="x", Location="/elsewhere")
    work.answers = [refused, 200]
    await bus.publish("events", [event(0, b"poison")])
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert work.ids == ["e0"], "not repeated, and a redirect is not followed"
    [letter] = await dead_letters(bus)
    assert letter.data == b"poison"
    assert letter.attributes == event(0).attributes | {
        "knativekafkapartition": "0",
        "knativekafkaoffset": "0",
        "knativeerrordest": f"{work.url}/batch-write/",
        "knativeerrorcode": str(status),
        "knativeerrordata": base64.b64encode(b"no\xff").decode(),
        "refusal": "bad_id",
    }


async def test_when_the_retries_are_used_up_it_is_a_dead_letter(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [503]
    await bus.publish("events", [event(0)])
    policy = RetryPolicy(retry=3, backoff=0.05, longest=0.06, timeout=1)
    started = time.monotonic()
    async with sources(valkey.url, reader(), work, policy):
        await settled(bus)
    assert time.monotonic() - started >= policy.budget
    assert len(work.seen) > 1 + policy.retry, "shorter waits, the same total time"
    [letter] = await dead_letters(bus)
    assert letter.attributes["knativeerrorcode"] == "503"


async def test_a_function_that_hangs_is_tried_again(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [answering(after=30), 200]
    await bus.publish("events", [event(0)])
    async with sources(valkey.url, reader(), work, RetryPolicy(backoff=0.02, timeout=0.3)):
        await settled(bus)
    assert work.ids == ["e0", "e0"]


async def test_a_function_that_breaks_the_connection_is_tried_again(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    async def hang_up(request: web.Request, _body: bytes) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    work.answers = [hang_up, 200]
    await bus.publish("events", [event(0)])
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert work.ids == ["e0", "e0"]


async def test_records_wait_for_a_function_that_is_not_up_yet(valkey: ValkeyServer, bus: Bus) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    work = Work(port)
    await bus.publish("events", [event(number) for number in range(5)])
    async with sources(valkey.url, reader(), work, RetryPolicy(backoff=0.02, longest=0.1)):
        await asyncio.sleep(0.4)
        assert await bus.lag("events", "batch-write") == 5
        await work.start()
        await settled(bus)
    await work.stop()
    assert sorted(set(work.ids)) == [f"e{number}" for number in range(5)]
    assert await dead_letters(bus) == []


async def test_types_the_function_does_not_read_are_acknowledged_unseen(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    await bus.publish("events", [event(0, type="other"), event(1), event(2, type="other")])
    async with sources(valkey.url, reader(), work) as client:
        await settled(bus)
        metrics = (await client.get("/metrics")).text
    assert work.ids == ["e1"]
    assert 'sluice_source_filtered_total{group="batch-write"}' in metrics
    assert 'sluice_source_deliveries_total{group="batch-write",outcome="delivered"}' in metrics


async def test_each_function_of_a_topic_gets_every_record_from_before_the_first_start(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    names = ["batch_write", "live", "quality_check"]
    wiring = Wiring([function(name, topics=[Topic("events", [EVENTS])]) for name in names])
    await bus.publish("events", [event(number) for number in range(20)])
    async with sources(valkey.url, wiring, work):
        for name in names:
            await settled(bus, name.replace("_", "-"))
    paths = [path for path, _, _ in work.seen]
    assert [paths.count(f"/{name.replace('_', '-')}/") for name in names] == [20, 20, 20]


async def test_many_records_are_in_flight_but_not_all(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [answering(after=0.2)]
    for start in range(0, 300, 50):
        await bus.publish("events", [event(number) for number in range(start, start + 50)])
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert 80 < work.most_at_once <= IN_FLIGHT
    assert sorted(work.ids) == sorted(f"e{number}" for number in range(300))


async def test_large_records_in_flight_are_bounded_by_their_bytes(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    released = asyncio.Event()

    async def hold(_request: web.Request, _body: bytes) -> web.Response:
        await released.wait()
        return web.Response()

    work.answers = [hold]
    size = 900 * 1024
    bound = IN_FLIGHT_BYTES // size
    for number in range(80):
        await bus.publish("events", [event(number, bytes(size))])
    async with sources(valkey.url, reader(), work):
        await eventually(lambda: work.at_once >= bound)
        await asyncio.sleep(1)
        assert work.at_once <= bound + 16
        released.set()
        await settled(bus)
    assert len(work.seen) == 80


async def test_a_slow_record_holds_up_no_other(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [answering(after=3), 200]
    await bus.publish("events", [event(number) for number in range(10)])
    async with sources(valkey.url, reader(), work):
        await eventually(lambda: len(work.seen) == 10, 1)
        await settled(bus)


async def test_what_no_http_request_can_carry_is_a_dead_letter(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    await bus.publish("events", [event(0, traceparent="a\r\nx-evil: 1"), event(1)])
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert work.ids == ["e1"]
    [letter] = await dead_letters(bus)
    assert letter.attributes["id"] == "e0"


async def test_a_dead_letter_is_stored_before_its_record_is_acknowledged(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    valkey.command("SET sluice:dead-letter in-the-way")
    work.answers = [400]
    await bus.publish("events", [event(0)])
    async with sources(valkey.url, reader(), work):
        await eventually(lambda: len(work.seen) == 1)
        await asyncio.sleep(0.5)
        assert await bus.lag("events", "batch-write") == 1
        valkey.command("DEL sluice:dead-letter")
        await settled(bus)
    assert work.ids == ["e0"]
    assert [letter.attributes["id"] for letter in await dead_letters(bus)] == ["e0"]


async def test_a_bus_that_dies_under_an_answer_costs_nothing(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    async def kill_the_bus(_request: web.Request, _body: bytes) -> web.Response:
        valkey.kill()
        return web.Response(status=400)

    work.answers = [kill_the_bus, 400]
    await bus.publish("events", [event(0)])
    async with sources(valkey.url, reader(), work):
        await eventually(lambda: len(work.seen) == 1)
        await asyncio.sleep(0.3)
        valkey.start()
        await settled(bus)
    assert work.ids == ["e0"]
    assert [letter.attributes["id"] for letter in await dead_letters(bus)] == ["e0"]


async def test_it_waits_for_the_bus_and_goes_on_by_itself(
    valkey: ValkeyServer, bus: Bus, work: Work, capsys: pytest.CaptureFixture[str]
) -> None:
    valkey.kill()
    async with sources(valkey.url, reader(), work) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        await asyncio.sleep(1.2)
        valkey.start()
        await bus.publish("events", [event(0)])
        await settled(bus)
        assert (await client.get("/readyz")).status_code == 200
        valkey.kill()
        valkey.start()
        await asyncio.sleep(0.1)
        await bus.publish("events", [event(1)])
        await settled(bus)
    assert work.ids == ["e0", "e1"]
    assert 1 <= capsys.readouterr().out.count("bus away") <= 2, "said once a time, not once a try"


async def test_a_stop_finishes_what_is_in_flight(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [answering(after=0.5)]
    await bus.publish("events", [event(number) for number in range(3)])
    async with sources(valkey.url, reader(), work):
        await eventually(lambda: len(work.seen) == 3)
    assert await bus.lag("events", "batch-write") == 0


async def test_a_stop_does_not_wait_for_another_try_and_the_next_start_delivers(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    work.answers = [503]
    await bus.publish("events", [event(number) for number in range(3)])
    async with sources(valkey.url, reader(), work, RetryPolicy(backoff=20)):
        await eventually(lambda: len(work.seen) == 3)
        await asyncio.sleep(0.1)
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert await bus.lag("events", "batch-write") == 3
    work.answers = [200]
    async with sources(valkey.url, reader(), work):
        await settled(bus)
    assert sorted(work.ids[3:]) == ["e0", "e1", "e2"]


async def test_the_lag_metric_rises_while_a_function_is_away(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [503]
    await bus.publish("events", [event(number) for number in range(7)])
    async with sources(valkey.url, reader(topic="events"), work, RetryPolicy(backoff=20)) as client:

        async def shown() -> bool:
            metrics = (await client.get("/metrics")).text
            return 'sluice_bus_lag_records{group="batch-write",topic="events"} 7.0' in metrics

        await eventually(shown)

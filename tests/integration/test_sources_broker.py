"""The emulated broker with Triggers, PingSource, and the sources as a process."""

import asyncio
import base64
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from aiohttp import web

from shared.bus import MAX_MESSAGE_BYTES, Bus, open_bus
from shared.dead_letters import READERS
from shared.wiring import Wiring
from tests.integration.sources_harness import (
    Work,
    answering,
    dead_letters,
    event,
    eventually,
    function,
    settled,
    sources,
    timer,
)
from tests.valkey_server import ValkeyServer

ACCEPTED = "dev.sluice.events.accepted.v1"
ASKED = "dev.sluice.query.requested.v1"
ANSWERED = "dev.sluice.query.answered.v1"
CHAIN = Wiring([function("query_count", consumes=[ASKED]), function("notify", consumes=[ANSWERED, "other"])])


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


def binary(event_type: str = ASKED, **headers: str) -> dict[str, str]:
    return {"ce-specversion": "1.0", "ce-id": "q1", "ce-source": "/me", "ce-type": event_type, **headers}


async def both_settled(bus: Bus) -> None:
    await settled(bus, "query-count", "broker")
    await settled(bus, "notify", "broker")


async def test_an_event_reaches_its_trigger_and_the_reply_reaches_the_next(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    async def answer(request: web.Request, body: bytes) -> web.Response:
        if not request.raw_path.startswith("/query-count/"):
            return web.Response(status=204)
        reply = {"ce-specversion": "1.0", "ce-id": "a1", "ce-source": "/query", "ce-type": ANSWERED}
        return web.Response(body=b'{"value":1}', headers=reply | {"content-type": "application/json"})

    work.answers = [answer]
    async with sources(valkey.url, CHAIN, work) as client:
        posted = await client.post(
            "/broker", content=b'{"a":1}', headers=binary(**{"content-type": "application/json"})
        )
        assert posted.status_code == 202
        await eventually(lambda: len(work.seen) == 2)
        await both_settled(bus)
    assert [(path, headers["ce-type"], body) for path, headers, body in work.seen] == [
        ("/query-count/", ASKED, b'{"a":1}'),
        ("/notify/", ANSWERED, b'{"value":1}'),
    ]
    assert work.seen[0][1]["content-type"] == "application/json"
    assert "traceparent" in work.seen[0][1]


async def test_a_structured_event_and_a_structured_reply_are_taken_too(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    structured = {"content-type": "application/cloudevents+json"}
    asked = {"specversion": "1.0", "id": "q1", "source": "/me", "type": ASKED, "data_base64": "/w=="}
    replied = {"specversion": "1.0", "id": "a1", "source": "/q", "type": ANSWERED, "data": {"value": 2}}
    work.answers = [answering(200, json.dumps(replied).encode(), Content_Type=structured["content-type"]), 204]
    async with sources(valkey.url, CHAIN, work) as client:
        posted = await client.post("/broker", content=json.dumps(asked), headers=structured)
        assert posted.status_code == 202
        await eventually(lambda: len(work.seen) == 2)
        await both_settled(bus)
    assert work.seen[0][2] == b"\xff"
    assert json.loads(work.seen[1][2]) == {"value": 2}


async def test_a_reply_that_is_no_cloudevent_is_discarded(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [answering(200, b'{"value":1}', Content_Type="application/json")]
    async with sources(valkey.url, CHAIN, work) as client:
        await client.post("/broker", headers=binary())
        await both_settled(bus)
    assert len(work.seen) == 1
    assert await dead_letters(bus) == []


@pytest.mark.parametrize(
    "reply",
    [
        answering(200, b"{}", ce_specversion="1.0", ce_id="a1"),
        answering(200, b"{", Content_Type="application/cloudevents+json"),
        answering(200, bytes(MAX_MESSAGE_BYTES), ce_specversion="1.0", ce_id="a", ce_source="/q", ce_type=ANSWERED),
    ],
    ids=["incomplete", "malformed", "too large"],
)
async def test_a_reply_that_cannot_be_published_makes_a_dead_letter_of_its_cause(
    valkey: ValkeyServer, bus: Bus, work: Work, reply: object
) -> None:
    work.answers = [reply]  # type: ignore[list-item]
    async with sources(valkey.url, CHAIN, work) as client:
        await client.post("/broker", headers=binary())
        await both_settled(bus)
    [letter] = await dead_letters(bus)
    assert letter.attributes["id"] == "q1"
    assert b"reply" in base64.b64decode(letter.attributes["knativeerrordata"])


async def test_the_ingress_refuses_what_is_no_event_and_what_is_too_large(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    incomplete = {name: value for name, value in binary().items() if name != "ce-type"}
    async with sources(valkey.url, CHAIN, work) as client:
        answers = [
            await client.post("/broker", headers=incomplete),
            await client.post("/broker", content=b"[]", headers={"content-type": "application/cloudevents+json"}),
            await client.post("/broker", content=b"{}"),
            await client.post("/broker", content=bytes(MAX_MESSAGE_BYTES), headers=binary()),
            await client.get("/broker"),
            await client.get("/elsewhere"),
        ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 413, 405, 404]
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)
    assert await bus.lag("broker", "query-count") == 0


async def test_the_ingress_says_503_while_the_bus_is_away(valkey: ValkeyServer, work: Work) -> None:
    async with sources(valkey.url, CHAIN, work) as client:
        assert (await client.post("/broker", headers=binary())).status_code == 202
        valkey.pause()
        started = time.monotonic()
        refused = await client.post("/broker", headers=binary())
        assert time.monotonic() - started < 2
        valkey.resume()
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        assert (await client.post("/broker", headers=binary())).status_code == 202


async def test_a_timer_posts_a_fresh_json_event_each_time(valkey: ValkeyServer, work: Work) -> None:
    async with sources(valkey.url, timer("* * * * * */1"), work):
        await eventually(lambda: len(work.seen) >= 3, 8)
    paths, heads, bodies = zip(*work.seen, strict=True)
    assert set(paths) == {"/rollup/"}
    assert [json.loads(body) for body in bodies] == [{"hours": 2}] * len(bodies)
    assert len({head["ce-id"] for head in heads}) == len(heads)
    assert heads[0]["ce-type"] == "dev.sluice.rollup.due.v1"
    assert heads[0]["content-type"] == "application/json"
    assert heads[0]["ce-time"].endswith("Z")


async def test_a_tick_is_tried_six_times_and_then_lost(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    work.answers = [503]
    async with sources(valkey.url, timer("* * * * * */4"), work) as client:

        async def lost() -> bool:
            return 'ticks_total{function="rollup",outcome="lost"} 1.0' in (await client.get("/metrics")).text

        await eventually(lost)
    assert len(set(work.ids)) == 1
    assert len(work.seen) == 6
    assert await dead_letters(bus) == []


# As a process.


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def process(valkey: ValkeyServer, work: Work) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """The sources as `./task up` runs them, ready; and their port."""
    port = free_port()
    given = {"SLUICE_BUS_URL": valkey.url, "SLUICE_SOURCES_PORT": str(port), "SLUICE_WORK_URL": work.url}
    command = [sys.executable, "-m", "shared.local.sources"]
    started = await asyncio.create_subprocess_exec(*command, env=os.environ | given, stdout=PIPE, stderr=STDOUT)
    try:
        await eventually(lambda: answers(port), 20)
        yield started, port
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.communicate()


async def test_the_process_delivers_and_ends_cleanly_when_told_to(valkey: ValkeyServer, bus: Bus, work: Work) -> None:
    async with process(valkey, work) as (running, port):
        await bus.publish("events", [event(7, type=ACCEPTED)])
        for group in READERS[ACCEPTED]:
            await settled(bus, group)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            assert "sluice_bus_lag_records" in (await client.get("/metrics")).text
        running.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(running.communicate(), 15)
    assert sorted(deliveries(work)) == [(f"/{group}/", "e7") for group in sorted(READERS[ACCEPTED])]
    assert running.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    assert "emulation" in lines[0]["event"]
    assert lines[0]["function"] == "sources"


async def test_after_a_kill_what_was_not_answered_is_delivered_again(
    valkey: ValkeyServer, bus: Bus, work: Work
) -> None:
    work.answers = [200, answering(after=20)]
    async with process(valkey, work) as (running, _):
        await bus.publish("events", [event(number, type=ACCEPTED) for number in range(4)])
        expected = {(f"/{group}/", f"e{number}") for group in READERS[ACCEPTED] for number in range(4)}
        await eventually(lambda: len(work.seen) == len(expected))
        running.kill()
        await running.wait()
    done = deliveries(work)[0]
    work.answers = [200]
    async with process(valkey, work):
        for group in READERS[ACCEPTED]:
            await settled(bus, group)
    assert set(deliveries(work)[len(expected) :]) | {done} == expected
    assert await dead_letters(bus) == []


def deliveries(work: Work) -> list[tuple[str, str]]:
    """To which function each event was posted, in order."""
    return [(path, headers["ce-id"]) for path, headers, _ in work.seen]


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0

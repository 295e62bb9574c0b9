"""Live streams through the edge on real sockets: as they are made, resumed, bounded; who is gone holds nothing."""

import asyncio
import json
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import aiohttp
import httpx
import pytest

from shared.catalog.keys import create_key, revoke_key
from tests.e2e.running import EVENTS, Project, Running, wait_until

STREAM = "/api/v1/live/stream"
WEBSOCKET = "/api/v1/live/ws"
MOST_OF_PROJECT = 50
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class Messages:
    """What a stream says, one message after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.iter_lines()
        self.last_id = ""

    def next(self) -> tuple[str, Any]:
        """The next message, comments left out."""
        found: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
            elif "event" in found:
                self.last_id = found.get("id", self.last_id)
                return found["event"], json.loads(found["data"])
        raise AssertionError("the stream ended")

    def until(self, kind: str) -> Any:
        """What the next message of that kind says."""
        while True:
            found, data = self.next()
            if found == kind:
                return data

    def events(self, names: set[str]) -> list[str]:
        """The names of events until all of these were there."""
        seen: list[str] = []
        while not names <= set(seen):
            seen += [one["event"] for one in self.until("events")["items"]]
        return seen


@contextmanager
def listening(instance: Running, project: Project, **headers: str) -> Iterator[Messages]:
    asked = {"x-api-key": project.secret_key, **headers}
    with instance.http.stream("GET", STREAM, headers=asked) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"] == "text/event-stream"
        yield Messages(answer)


def send(instance: Running, project: Project, *names: str) -> None:
    events = [{"event": name, "user_id": f"user-{name}"} for name in names]
    headers = {"x-api-key": project.write_key, "user-agent": BROWSER}
    assert instance.http.post(EVENTS, json=events, headers=headers).status_code == 202


def open_streams(instance: Running) -> float:
    return instance.metric("work", "sluice_live_streams", "live")


def test_a_stream_says_within_three_seconds_what_arrived_and_who_is_active(instance: Running) -> None:
    project = instance.new_project()
    with listening(instance, project) as messages:
        first = messages.until("counts")
        assert (len(first["minutes"]), first["events"], first["active"]["events"]) == (30, {}, 0)
        send(instance, project, "view", "buy")
        sent = time.monotonic()
        assert sorted(messages.events({"view", "buy"})) == ["buy", "view"]
        assert time.monotonic() - sent < 3
        counts = messages.until("counts")
        while counts["active"]["people"] != 2:
            counts = messages.until("counts")
        assert counts["events"] == {"buy": 1, "view": 1}
        assert counts["active"] == {"minutes": 5, "events": 2, "people": 2}


def test_a_stream_goes_on_after_the_last_event_that_was_seen(instance: Running) -> None:
    project = instance.new_project()
    send(instance, project, "seen")
    with listening(instance, project) as messages:
        assert messages.events({"seen"}) == ["seen"]
        last = messages.last_id
    send(instance, project, "missed")
    wait_until(lambda: instance.count(project) == 2, 20, "both are stored")
    with listening(instance, project, **{"last-event-id": last}) as messages:
        # Some of what was seen in the seconds before may come again, each under the same id.
        assert set(messages.events({"missed"})) <= {"seen", "missed"}
        send(instance, project, "later")
        assert messages.events({"later"}) == ["later"]


def test_who_goes_away_frees_everything_at_once(instance: Running) -> None:
    project = instance.new_project()
    before = open_streams(instance)
    with ExitStack() as held:
        streams = [held.enter_context(listening(instance, project)) for _ in range(5)]
        for messages in streams:
            messages.until("counts")
        assert open_streams(instance) == before + 5
        head = f"GET {STREAM} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {project.secret_key}\r\n\r\n"
        raw = held.enter_context(socket.create_connection(("127.0.0.1", instance.port)))
        raw.sendall(head.encode())
        wait_until(lambda: open_streams(instance) == before + 6, 5, "the sixth stream is open")
    wait_until(lambda: open_streams(instance) == before, 5, "nothing is held for who is gone")


def test_streams_are_bounded_and_say_so(instance: Running) -> None:
    project, other = instance.new_project(), instance.new_project()
    with ExitStack() as held:
        for _ in range(MOST_OF_PROJECT):
            held.enter_context(listening(instance, project))
        refused = instance.http.get(STREAM, headers={"x-api-key": project.secret_key})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert "retry-after" in refused.headers
        with listening(instance, other) as messages:
            messages.until("counts")


def test_a_stream_ends_itself_and_when_its_key_is_revoked(instance: Running) -> None:
    project = instance.new_project()
    ended = instance.http.get(f"{STREAM}?seconds=1", headers={"x-api-key": project.secret_key})
    assert ended.text.rstrip().endswith('event: end\ndata: {"reason":"time"}')
    clear, key = instance.with_catalog(
        lambda catalog: create_key(catalog, uuid.UUID(project.id), "secret", "other", scopes=("read",))
    )
    with listening(instance, Project(project.id, project.write_key, clear)) as messages:
        messages.until("counts")
        instance.with_catalog(lambda catalog: revoke_key(catalog, key.id))
        assert messages.until("end") == {"reason": "access"}


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ("seconds=0", (400, "bad_request")),
        ("minutes=5", (422, "unknown_field")),
        ("last_event_id=abc", (400, "bad_request")),
    ],
)
def test_what_no_stream_can_be_is_refused_before_it_begins(instance: Running, asked: str, refusal: object) -> None:
    project = instance.new_project()
    for path in (STREAM, WEBSOCKET):
        refused = instance.http.get(f"{path}?{asked}", headers={"x-api-key": project.secret_key})
        assert (refused.status_code, refused.json()["code"]) == refusal


def test_a_websocket_says_the_same_line_by_line_and_refuses_as_http(instance: Running) -> None:
    asyncio.run(_talk(instance, instance.new_project()))


async def _talk(instance: Running, project: Project) -> None:
    address, key = f"http://127.0.0.1:{instance.port}{WEBSOCKET}", {"x-api-key": project.secret_key}
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(f"{address}?seconds=4", headers=key, protocols=["sluice"]) as talk:
            assert talk.protocol == "sluice"
            assert (await talk.receive_json())["type"] == "counts"
            send(instance, project, "view")
            kinds = [json.loads(message.data)["type"] async for message in talk]
            assert ("events" in kinds, kinds[-1], talk.close_code) == (True, "end", 1000)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(address, protocols=["sluice", "bearer.no.such.token"])
        assert refused.value.status == 401

"""The address and headers of a request are bounded, and what is no request at all is told so as a problem."""

import asyncio
import json
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from shared.http import Receive, Scope, Send
from shared.serve_protocol import MOST_HEAD_BYTES, GatheringProtocol

GET = b"GET /x HTTP/1.1\r\nhost: h\r\n"


class Peer(asyncio.Transport):
    """What a client sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.seen += bytes(data)

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """What a test sends is there at once."""

    def resume_reading(self) -> None:
        """See above."""

    def is_closing(self) -> bool:
        return self.closed


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    answered.append(str(scope["path"]))
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


answered: list[str] = []


def connected() -> tuple[GatheringProtocol, Peer]:
    answered.clear()
    config = Config(app, log_config=None)
    config.load()
    protocol, peer = GatheringProtocol(config, ServerState(), {}), Peer()
    protocol.connection_made(peer)
    return protocol, peer


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def refused(protocol: GatheringProtocol, peer: Peer, *parts: bytes) -> dict[str, Any]:
    for part in parts:
        protocol.data_received(part)
    await turns()
    head, _, body = peer.seen.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    assert answered == []
    found: dict[str, Any] = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % found["status"])
    return found


@pytest.mark.parametrize("at_once", [True, False])
async def test_headers_beyond_the_limit_are_refused_however_they_come(*, at_once: bool) -> None:
    protocol, peer = connected()
    large = GET + b"x-large: " + b"a" * (2 * MOST_HEAD_BYTES)
    parts = [large + b"\r\n\r\n"] if at_once else [large[at : at + 999] for at in range(0, len(large), 999)]
    problem = await refused(protocol, peer, *parts)
    assert (problem["status"], problem["code"]) == (431, "headers_too_large")


async def test_an_address_beyond_the_limit_is_refused() -> None:
    protocol, peer = connected()
    problem = await refused(protocol, peer, b"GET /?" + b"a" * MOST_HEAD_BYTES + b" HTTP/1.1\r\n\r\n")
    assert problem["code"] == "headers_too_large"


async def test_what_is_no_http_is_refused_as_a_problem() -> None:
    protocol, peer = connected()
    assert (await refused(protocol, peer, b"HELLO\r\n\r\n"))["code"] == "bad_request"


async def test_after_a_refusal_nothing_more_is_read_or_answered() -> None:
    protocol, peer = connected()
    await refused(protocol, peer, GET + b"x: " + b"a" * MOST_HEAD_BYTES, GET + b"\r\n")
    before = peer.seen
    protocol.data_received(GET + b"\r\n")
    await turns()
    assert peer.seen == before
    assert answered == []


async def test_a_large_body_and_many_requests_on_one_connection_are_no_large_head() -> None:
    protocol, peer = connected()
    size = 3 * MOST_HEAD_BYTES
    protocol.data_received(b"POST /b HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % size + b"a" * 1_000)
    begun = GET + b"x: y"
    protocol.data_received(b"a" * (size - 1_000) + begun)
    protocol.data_received(b"\r\n\r\n")
    await turns()
    for _ in range(3):
        protocol.data_received(GET + b"x: " + b"a" * (MOST_HEAD_BYTES // 2) + b"\r\n\r\n")
        await turns()
    assert answered == ["/b", "/x", "/x", "/x", "/x"]
    assert not peer.closed

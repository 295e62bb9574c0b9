"""Answers that go on: what makes them is closed whatever ends them; a WebSocket says the same line by line."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from shared.http import ENDING, Reply, Request, problem
from shared.refusals import Refusal, Rejected
from shared.streams import JSON_LINES, Parts, Streamed, serve_websocket


class Client:
    """The other end: what was sent to it, and whether it is gone."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.gone = asyncio.Event()
        self.scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    async def receive(self) -> MutableMapping[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Made:
    """A stream that says one thing and then nothing, until it is closed."""

    def __init__(self) -> None:
        self.closed = False
        self.said = asyncio.Event()

    async def parts(self) -> Parts:
        try:
            yield b"first\n"
            self.said.set()
            await asyncio.Event().wait()
        finally:
            self.closed = True


@pytest.mark.parametrize("end", ["gone", "stopping"])
async def test_a_stream_whose_client_is_gone_or_whose_server_stops_is_closed(end: str) -> None:
    client, made = Client(), Made()
    reply = await Streamed.start(Request(client.scope, client.receive), made.parts(), JSON_LINES)
    sending = asyncio.create_task(reply.send(client.send))
    await made.said.wait()
    assert [message.get("body") for message in client.sent] == [None, b"first\n"]
    (client.gone if end == "gone" else client.scope[ENDING]).set()
    await asyncio.wait_for(sending, 5)
    assert made.closed
    assert client.sent[-1] == {"type": "http.response.body", "body": b""}


async def test_what_is_refused_before_the_first_part_is_raised_and_can_be_answered() -> None:
    async def bounded(most: int) -> Parts:
        if not most:
            raise Rejected(Refusal.RATE_LIMITED)
        yield b""

    client = Client()
    with pytest.raises(Rejected):
        await Streamed.start(Request(client.scope, client.receive), bounded(0), JSON_LINES)


async def _talk(client: Client, answer: Reply | Parts) -> list[str]:
    """What an ASGI server is told when a WebSocket is asked for; the answer is this, or a stream of it."""
    given: list[str] = []

    async def answers(request: Request) -> Reply:
        given.append(request.headers.get("authorization", ""))
        if isinstance(answer, Reply):
            return answer
        return await Streamed.start(request, answer, JSON_LINES)

    scope = {**client.scope, "type": "websocket", "subprotocols": ["sluice", "bearer.a.b.c"]}
    connected = iter([{"type": "websocket.connect"}])

    async def receive() -> MutableMapping[str, Any]:
        return next(connected, None) or await client.receive()

    await serve_websocket(scope, receive, client.send, answers)
    return given


async def test_a_websocket_gets_whole_lines_and_a_browsers_token_is_taken_from_its_subprotocol() -> None:
    async def torn() -> Parts:
        for part in (b"\n", b'{"a"', b":1}\n{", b'"b":2}\n'):
            yield part

    client = Client()
    assert await _talk(client, torn()) == ["Bearer a.b.c"]
    assert client.sent[0] == {"type": "websocket.accept", "subprotocol": "sluice", "headers": []}
    assert [message.get("text") for message in client.sent[1:-1]] == ['{"a":1}', '{"b":2}']
    assert client.sent[-1]["type"] == "websocket.close"


async def test_a_websocket_that_is_refused_gets_the_problem_as_http() -> None:
    client = Client()
    await _talk(client, problem(Refusal.KEY_MISSING))
    assert (client.sent[0]["type"], client.sent[0]["status"]) == ("websocket.http.response.start", 401)

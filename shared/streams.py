"""Answers that go on: a body sent part by part for as long as the client listens, as HTTP or over a WebSocket.

What streams is an async generator of bytes. It is closed, and with it everything it holds, when it ends, when the
client is gone and when the server stops; while a slow client does not read, it is not asked for more.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Self

from shared.http import Receive, Reply, Request, Scope, Send

EVENT_STREAM = "text/event-stream"
JSON_LINES = "application/x-ndjson"
# Nothing between here and the reader may keep a part back, or keep it at all.
UNBUFFERED = {"cache-control": "no-store, no-transform", "x-accel-buffering": "no"}
# A client that reads nothing for so long is taken for gone.
_STUCK_SECONDS = 30.0

_PROTOCOL = "sluice"
_BEARER = "bearer."
_OF_HANDSHAKE = b"sec-websocket-"

Parts = AsyncGenerator[bytes, None]


class Streamed(Reply):
    """An answer whose body is what a generator yields. Make it with `start`."""

    __slots__ = ("_made", "_request")

    def __init__(self, request: Request, made: Parts, content_type: str) -> None:
        super().__init__(200, b"", content_type, UNBUFFERED)
        self._request = request
        self._made = made

    @classmethod
    async def start(cls, request: Request, made: Parts, content_type: str) -> Self:
        """A stream that has begun: what the generator raises before its first part is raised here, and can be answered.

        The request's body must have been read.
        """
        return cls(request, _after(await _next(made), made), content_type)

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"content-type", self.content_type.encode("latin-1")), *super().raw_headers()[1:]]

    async def parts(self) -> Parts:
        """The body; ends when the client is gone or the server stops, and closes what makes it."""
        over = [asyncio.ensure_future(self._request.gone()), asyncio.ensure_future(self._request.ending().wait())]
        try:
            while part := await _unless(over, self._made):
                yield part
        finally:
            for task in over:
                task.cancel()
            await asyncio.gather(*over, return_exceptions=True)
            await self._made.aclose()

    async def send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.raw_headers()})
        async with aclosing(self.parts()) as parts:
            async for part in parts:
                message = {"type": "http.response.body", "body": part, "more_body": True}
                await asyncio.wait_for(send(message), _STUCK_SECONDS)
        await send({"type": "http.response.body", "body": b""})


async def _after(first: bytes, rest: Parts) -> Parts:
    async with aclosing(rest):
        yield first
        async for part in rest:
            yield part


async def _unless(over: Sequence["asyncio.Future[Any]"], made: Parts) -> bytes:
    """The next part; empty where there is none any more, or one of `over` is done first."""
    part = asyncio.ensure_future(_next(made))
    try:
        await asyncio.wait([part, *over], return_when=asyncio.FIRST_COMPLETED)
        return part.result() if part.done() else b""
    finally:
        part.cancel()
        await asyncio.gather(part, return_exceptions=True)


async def _next(made: Parts) -> bytes:
    return await anext(made, b"")


Answers = Callable[[Request], Awaitable[Reply]]


async def serve_websocket(scope: Scope, receive: Receive, send: Send, answers: Answers) -> None:
    """Answer a WebSocket as a GET of its address would be: a stream line by line as messages, anything else as it is.

    A browser can set no header: its token may come as the subprotocol `bearer.<token>` beside `sluice`. What the client
    sends is not read.
    """
    await receive()
    reply = await answers(Request(_as_get(scope), _as_http(receive)))
    with suppress(OSError):  # the client went while it was answered
        if isinstance(reply, Streamed):
            await _accept(scope, reply, send)
        else:
            await send(
                {"type": "websocket.http.response.start", "status": reply.status, "headers": reply.raw_headers()}
            )
            await send({"type": "websocket.http.response.body", "body": reply.body})


async def _accept(scope: Scope, reply: Streamed, send: Send) -> None:
    async with aclosing(reply.parts()) as parts:
        chosen = _PROTOCOL if _PROTOCOL in scope["subprotocols"] else None
        await send({"type": "websocket.accept", "subprotocol": chosen, "headers": []})
        async for line in _lines(parts):
            await asyncio.wait_for(send({"type": "websocket.send", "text": line.decode()}), _STUCK_SECONDS)
    await send({"type": "websocket.close", "code": 1000})


async def _lines(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, however it was cut on its way; empty ones keep a connection alive and are left out."""
    rest = b""
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in filter(None, whole):
            yield line


def _as_get(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if not name.startswith(_OF_HANDSHAKE)]
    token = next((one for one in scope["subprotocols"] if one.startswith(_BEARER)), "")
    if token and not {b"authorization", b"x-api-key"} & {name for name, _ in headers}:
        headers.append((b"authorization", f"Bearer {token.removeprefix(_BEARER)}".encode("latin-1", "replace")))
    return {**scope, "type": "http", "method": "GET", "headers": headers}


def _as_http(receive: Receive) -> Receive:
    """A body that is empty, then nothing until the client is gone."""
    asked = False

    async def received() -> MutableMapping[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        while (await receive())["type"] != "websocket.disconnect":
            pass
        return {"type": "http.disconnect"}

    return received


def message(kind: str, data: bytes, event_id: str = "") -> bytes:
    """One Server-Sent Event; `data` is one line."""
    head = f"id: {event_id}\nevent: {kind}\n" if event_id else f"event: {kind}\n"
    return b"%sdata: %s\n\n" % (head.encode(), data)


def line(kind: str, data: bytes, event_id: str = "") -> bytes:
    """The same as one line of JSON; `data` is JSON."""
    named = f'"type":"{kind}","id":"{event_id}"' if event_id else f'"type":"{kind}"'
    return b'{%s,"data":%s}\n' % (named.encode(), data)


def is_stream(headers: Mapping[str, str]) -> bool:
    """Whether an answer with these headers (lower-case names) goes on: it is to be passed on part by part."""
    return headers.get("x-accel-buffering") == "no"

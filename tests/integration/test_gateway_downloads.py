"""A large answer passes the gateway as it comes, and who gets half of it knows."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from shared.edge.forward import Forwarder
from shared.http import Request
from shared.streams import Streamed
from shared.wiring import load_wiring
from tests.integration.door_process import free_port

SIZE = 3 << 20
EXPORT = next(row for row in load_wiring().functions if row.name == "export")


class Function:
    """A function whose answer is large: its second half comes when the first was received, or never."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.breaks_off = False
        self.gone = asyncio.Event()

    async def reply(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": str(SIZE), "etag": '"1"'})
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            await response.write(b"a" * (SIZE // 2))
            await asyncio.wait_for(self.go_on.wait(), 5)
            if self.breaks_off and request.transport is not None:
                request.transport.abort()
            await response.write(b"b" * (SIZE - SIZE // 2))
        except ConnectionResetError:
            self.gone.set()
        return response


@asynccontextmanager
async def forwarding() -> AsyncIterator[tuple[Forwarder, Function]]:
    function, app = Function(), web.Application()
    app.router.add_route("*", "/{anything:.*}", function.reply)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    forwarder = Forwarder(f"http://127.0.0.1:{port}")
    yield forwarder, function
    function.go_on.set()
    await forwarder.close()
    await runner.cleanup()


def request(method: str = "GET") -> tuple[Request, asyncio.Event]:
    """A request, and what to set for its client to be gone."""
    gone, read = asyncio.Event(), False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal read
        if not read:
            read = True
            return {"type": "http.request", "body": b""}
        await gone.wait()
        return {"type": "http.disconnect"}

    path = "/api/v1/files"
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "raw_path": b"/f"}
    return Request(scope, receive), gone


async def test_the_first_half_arrives_before_the_second_is_there_and_the_length_is_told() -> None:
    async with forwarding() as (forwarder, function):
        reply = await forwarder.forward(request()[0], EXPORT, 1_000)
        assert isinstance(reply, Streamed)
        assert (b"content-length", str(SIZE).encode()) in reply.raw_headers()
        assert reply.headers["etag"] == '"1"'
        received = 0
        async for part in reply.parts():
            received += len(part)
            if received == SIZE // 2:
                function.go_on.set()
        assert received == SIZE


async def test_of_a_function_that_breaks_off_less_is_passed_on_than_was_told() -> None:
    async with forwarding() as (forwarder, function):
        function.breaks_off = True
        reply = await forwarder.forward(request()[0], EXPORT, 1_000)
        function.go_on.set()
        assert isinstance(reply, Streamed)
        assert sum([len(part) async for part in reply.parts()]) < SIZE


async def test_a_client_that_leaves_ends_the_functions_answer() -> None:
    async with forwarding() as (forwarder, function):
        asked, gone = request()
        reply = await forwarder.forward(asked, EXPORT, 1_000)
        assert isinstance(reply, Streamed)
        async for _ in reply.parts():
            gone.set()
        function.go_on.set()
        await asyncio.wait_for(function.gone.wait(), 5)


async def test_a_head_has_no_body_to_pass_on() -> None:
    async with forwarding() as (forwarder, _):
        reply = await forwarder.forward(request("HEAD")[0], EXPORT, 1_000)
        assert not isinstance(reply, Streamed)
        assert reply.body == b""

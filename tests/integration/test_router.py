"""The router hosts no function: each request goes to the address of the function that answers it."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from shared.edge.forward import origin_of
from shared.local.host import Host
from shared.local.ports import LocalSettings, sink_of
from shared.wiring import load_wiring
from tests.integration.door_process import free_port

CLIENT = ("198.51.100.7", 4321)


@asynccontextmanager
async def behind(seen: list[web.Request]) -> AsyncIterator[str]:
    """A server that stands for all functions; yields an address with {service} in it."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        seen.append(request)
        return web.Response(status=202, text="taken", headers={"Access-Control-Allow-Origin": "*"})

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/at-{{service}}"
    finally:
        await runner.cleanup()


class Router:
    """The router in this process."""

    def __init__(self, forward_to: str) -> None:
        self._host = Host(load_wiring(), "router", forward_to=forward_to)

    async def ask(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        bare, _, query = path.partition("?")
        given = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {"type": "http", "method": method, "path": bare, "query_string": query.encode(), "headers": given}
        await self._host({**scope, "raw_path": bare.encode(), "client": CLIENT}, receive, send)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], found, sent[1]["body"]

    async def close(self) -> None:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> MutableMapping[str, Any]:
            return messages.pop(0)

        async def send(_: MutableMapping[str, Any]) -> None:
            return None

        await self._host({"type": "lifespan"}, receive, send)


@asynccontextmanager
async def running(forward_to: str) -> AsyncIterator[Router]:
    router = Router(forward_to)
    try:
        yield router
    finally:
        await router.close()


@pytest.mark.parametrize(
    ("method", "path", "where"),
    [
        ("POST", "/api/v1/events?key=a%20b", "/at-ingest/api/v1/events?key=a%20b"),
        ("GET", "/api/v1/query/count?event=x", "/at-query-count/api/v1/query/count?event=x"),
        ("GET", "/api/v1/receipts/abc", "/at-receipts/api/v1/receipts/abc"),
    ],
)
async def test_a_request_goes_to_the_function_that_answers_it(method: str, path: str, where: str) -> None:
    seen: list[web.Request] = []
    async with behind(seen) as address, running(address) as router:
        status, headers, body = await router.ask(method, path, b"{}" if method == "POST" else b"")
    assert (status, body, headers["access-control-allow-origin"]) == (202, b"taken", "*")
    assert [request.raw_path for request in seen] == [where]


async def test_the_function_learns_who_asked_however_many_proxies_there_are() -> None:
    seen: list[web.Request] = []
    async with behind(seen) as address, running(address) as router:
        await router.ask("POST", "/api/v1/events", b"{}")
        await router.ask("POST", "/api/v1/events", b"{}", {"x-forwarded-for": "203.0.113.9"})
    assert [request.headers["x-forwarded-for"] for request in seen] == [CLIENT[0], f"203.0.113.9, {CLIENT[0]}"]


async def test_what_no_function_answers_is_the_routers_own_to_refuse() -> None:
    seen: list[web.Request] = []
    async with behind(seen) as address, running(address) as router:
        assert (await router.ask("GET", "/metrics"))[0] == 404
        assert (await router.ask("DELETE", "/api/v1/events"))[0] == 405
        assert (await router.ask("GET", "/healthz"))[0] == 200
        assert (await router.ask("GET", "/query-count/"))[0] == 404
    assert seen == []


async def test_a_function_that_is_away_is_a_503_that_may_be_repeated() -> None:
    async with running(f"http://127.0.0.1:{free_port()}/at-{{service}}") as router:
        status, headers, _ = await router.ask("GET", "/api/v1/query/count")
    assert status == 503
    assert headers["retry-after"]


def test_functions_with_an_address_each_have_no_folder_of_their_own() -> None:
    assert origin_of("http://{service}:8080/", "query-count") == "http://query-count:8080"
    assert sink_of("http://{service}:8080", "batch-write") == "http://batch-write:8080/"


def test_functions_in_one_process_are_told_apart_by_the_folder() -> None:
    shared = LocalSettings(port=9000).functions_url
    assert origin_of(shared, "query-count") == "http://127.0.0.1:9001"
    assert sink_of(shared, "batch-write") == "http://127.0.0.1:9001/batch-write/"

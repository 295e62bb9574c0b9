"""The gateway before functions that answer, that refuse and that are silent: its limits, headers, CORS and breaker."""

import json
import uuid
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from functions.gateway.logic import answer
from functions.gateway.ports import Ports
from shared.catalog.client import Catalog, Row
from shared.edge.breaker import FAILURES
from shared.edge.front import Front, FrontSettings
from shared.edge.origins import ProjectOrigins
from shared.edge.reference import Reference
from shared.edge.routes import Routes
from shared.function import Service
from shared.http import Reply, Request
from shared.wiring import load_wiring
from tests.integration.door_process import free_port

COUNT = "/api/v1/query/count"
PROJECT, OTHER = uuid.uuid4(), uuid.uuid4()
SHOP = "https://shop.example"
ROWS = [row for row in load_wiring().functions if row.name != "gateway"]


class Origins(Catalog):
    """A catalog in which one project names an origin."""

    async def rows(self, query: str, parameters: object = None) -> list[Row]:
        return [{"id": PROJECT, "allowed_origins": [SHOP, "https://*.shop.example"]}]


class Answered(NamedTuple):
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers).get(name, "")

    @property
    def code(self) -> str:
        found: str = json.loads(self.body)["code"]
        return found


class Gateway:
    """The gateway in this process, before whatever listens at `address`."""

    def __init__(self, address: str, **settings: Any) -> None:
        self.front = Front(address, FrontSettings(**settings))
        self.front._origins = ProjectOrigins(Origins(""))
        ports = Ports(
            self.front,
            Routes(row for row in ROWS if row.name != "ingest"),
            Routes(row for row in ROWS if row.name == "ingest"),
            Reference(),
            1_000,
        )

        @asynccontextmanager
        async def opens() -> AsyncIterator[Ports]:
            yield ports

        methods = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
        self._service = Service[Ports]("gateway", _handle, opens, methods)

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answered:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        bare, _, query = path.partition("?")
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": bare, "query_string": query.encode(), "headers": raw}
        await self._service({**scope, "raw_path": bare.encode(), "client": ("192.0.2.9", 1)}, receive, send)
        return Answered(sent[0]["status"], [(n.decode(), v.decode()) for n, v in sent[0]["headers"]], sent[1]["body"])


async def _handle(request: Request, ports: Ports) -> Reply:
    return await answer(request, ports)


@pytest.fixture
async def behind() -> AsyncIterator[tuple[str, list[web.Request]]]:
    """All functions in one: they say whose project and key it was, set two cookies and name their server."""
    seen: list[web.Request] = []

    async def reply(request: web.Request) -> web.Response:
        await request.read()
        seen.append(request)
        response = web.json_response({"ok": True}, headers={"sluice-project": str(PROJECT), "sluice-caller": "key:1"})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    app = web.Application()
    app.router.add_route("*", "/{anything:.*}", reply)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}", seen
    await runner.cleanup()


@asynccontextmanager
async def gateway(address: str, **settings: Any) -> AsyncIterator[Gateway]:
    made = Gateway(address, **settings)
    try:
        yield made
    finally:
        await made.front.close()


async def test_an_answer_brings_the_headers_a_browser_goes_by(behind: tuple[str, list[web.Request]]) -> None:
    async with gateway(behind[0], public_url="https://analytics.example") as asked:
        for found in (await asked.ask("GET", COUNT), await asked.ask("GET", "/")):
            assert found.header("x-content-type-options") == "nosniff"
            assert found.header("content-security-policy") == "default-src 'none'; frame-ancestors 'none'"
            assert found.header("referrer-policy") == "no-referrer"
            assert found.header("cache-control") == "no-store"
            assert found.header("strict-transport-security").startswith("max-age=31536000")
            assert found.header("server") == ""
            assert "sluice-" not in str(found.headers), "what the edge is told goes no further"
        nothing = await asked.ask("GET", "/nowhere")
        assert (nothing.status, nothing.header("x-content-type-options")) == (404, "nosniff")
    async with gateway(behind[0], public_url="http://localhost:8080") as asked:
        assert (await asked.ask("GET", COUNT)).header("strict-transport-security") == ""


async def test_every_cookie_of_a_function_reaches_the_browser(behind: tuple[str, list[web.Request]]) -> None:
    async with gateway(behind[0]) as asked:
        found = await asked.ask("GET", COUNT)
        assert [value for name, value in found.headers if name == "set-cookie"] == ["a=1; Path=/", "b=2; Path=/"]
        await asked.ask("GET", COUNT)
        assert "cookie" not in behind[1][-1].headers, "nobody's cookies are anybody else's"


async def test_a_request_is_passed_on_with_its_ids_and_without_what_belongs_to_one_connection(
    behind: tuple[str, list[web.Request]],
) -> None:
    async with gateway(behind[0]) as asked:
        given = {"x_request_id": "mine", "connection": "close, x-secret", "x_secret": "1", "te": "trailers"}
        found = await asked.ask("POST", f"{COUNT}?a=%20b", b"{}", **given)
    [request] = behind[1]
    assert (request.path_qs, await request.read()) == (f"{COUNT}?a=%20b", b"{}")
    assert (request.headers["x-request-id"], found.header("x-request-id")) == ("mine", "mine")
    assert request.headers["x-forwarded-for"] == "192.0.2.9"
    assert not {"x-secret", "te"} & {name.lower() for name in request.headers}


async def test_a_body_beyond_the_limit_is_refused(behind: tuple[str, list[web.Request]]) -> None:
    async with gateway(behind[0]) as asked:
        found = await asked.ask("POST", COUNT, b"x" * 1_001)
    assert (found.status, found.code, behind[1]) == (413, "body_too_large", [])


async def test_events_and_what_nobody_answers_are_not_found_here(behind: tuple[str, list[web.Request]]) -> None:
    async with gateway(behind[0]) as asked:
        events = await asked.ask("POST", "/api/v1/events", b"{}")
        assert (events.status, "ingest" in str(events.body)) == (404, True)
        assert (await asked.ask("GET", "/metrics", x_forwarded_for="192.0.2.1")).status == 404
        wrong = await asked.ask("DELETE", COUNT)
        assert (wrong.status, wrong.header("allow")) == (405, "GET, POST")
    assert behind[1] == []


async def test_a_silent_function_is_left_alone_for_a_while() -> None:
    async with gateway(f"http://127.0.0.1:{free_port()}") as asked:
        for _ in range(FAILURES):
            found = await asked.ask("GET", COUNT)
            assert (found.status, found.code, "query-count does not answer" in str(found.body)) == (
                503,
                "unavailable",
                True,
            )
        found = await asked.ask("GET", COUNT)
        assert (found.status, found.header("retry-after")) == (503, "5")
        assert "is asked again in 5 s" in json.loads(found.body)["detail"]
        other = await asked.ask("GET", "/api/v1/rejected")
        assert "rejected does not answer" in json.loads(other.body)["detail"], "each function has a breaker of its own"


async def test_an_address_and_a_credential_have_their_limits(behind: tuple[str, list[web.Request]]) -> None:
    async with gateway(behind[0], read_key_rate="2/day", read_address_rate="4/day") as asked:
        first = await asked.ask("GET", COUNT, x_api_key="sls_a")
        assert (first.header("ratelimit-limit"), first.header("ratelimit-remaining")) == ("2", "1")
        # From its first answer on the key is known by its id, whatever way it is sent.
        assert (await asked.ask("GET", COUNT, authorization="Bearer sls_a")).status == 200
        statuses = [(await asked.ask("GET", COUNT, x_api_key="sls_a")).status for _ in range(2)]
        assert statuses == [200, 200]
        refused = await asked.ask("GET", COUNT, x_api_key="sls_b")
        assert (refused.status, refused.code) == (429, "rate_limited")
        assert int(refused.header("retry-after")) > 0
        assert refused.header("ratelimit-remaining") == "0"


async def test_a_page_reads_a_project_that_names_its_origin_and_no_other(
    behind: tuple[str, list[web.Request]],
) -> None:
    async with gateway(behind[0]) as asked:
        for origin, allowed in [(SHOP, True), ("https://a.shop.example", True), ("https://evil.example", False)]:
            found = await asked.ask("GET", COUNT, origin=origin)
            assert found.header("access-control-allow-origin") == (origin if allowed else "")
            assert found.header("vary") == "origin"
            assert found.header("access-control-allow-credentials") == ""
            asks = {"origin": origin, "access_control_request_method": "GET"}
            preflight = await asked.ask("OPTIONS", COUNT, **asks)
            assert (preflight.status, preflight.header("access-control-allow-origin")) == (
                204,
                origin if allowed else "",
            )
            if allowed:
                assert "x-project-id" in preflight.header("access-control-allow-headers")
    assert len(behind[1]) == 3, "a preflight goes no further"


async def test_the_reference_runs_nothing_and_loads_nothing_from_elsewhere() -> None:
    async with gateway("http://127.0.0.1:9") as asked:
        page, style = await asked.ask("GET", "/docs"), await asked.ask("GET", "/docs/reference.css")
        document = await asked.ask("GET", "/api/v1/openapi.json")
    assert (page.status, style.status, document.status) == (200, 200, 200)
    assert page.header("content-security-policy").startswith("default-src 'none'; style-src 'self'")
    text = page.body.decode()
    assert "<script" not in text
    assert "style=" not in text
    assert [part for part in text.split('"') if part.startswith(("http://", "https://", "//"))] == []
    assert all(path in text for path in json.loads(document.body)["paths"])

"""FastAPI under the contract of functions, asked of a tiny application."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel

from shared import http
from shared.function import Main
from shared.http import Reply
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.web import asked_of, ports_of, web_function


class Thing(BaseModel):
    name: str
    size: int = 1


def _ports(request: Request) -> dict[str, str]:
    ports: dict[str, str] = ports_of(request)
    return ports


def _build() -> FastAPI:
    app = FastAPI()

    @app.post("/things")
    async def make(thing: Thing, ports: Annotated[dict[str, str], Depends(_ports)]) -> dict[str, str]:
        return {"name": thing.name, "greeting": ports["greeting"]}

    @app.get("/things/{name}")
    async def show(name: str, request: Request, response: Response) -> dict[str, str]:
        if name == "gone":
            raise Rejected(Refusal.GONE, "it was sold")
        if name == "away":
            raise UnavailableError("the shop is shut")
        if name == "bug":
            raise RuntimeError("a bug")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        asked_of(request).note("sluice-caller", "key:1")
        return {"name": name, "id": asked_of(request).request_id}

    return app


@asynccontextmanager
async def _opens() -> AsyncIterator[dict[str, str]]:
    yield {"greeting": "hello"}


@pytest.fixture
async def tiny() -> AsyncIterator[Main]:
    main = web_function("tiny", _opens, _build, most_bytes=1_000)
    await main.service.open()
    yield main
    await main.service.close()


async def ask(main: Main, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Reply:
    path, _, query = path.partition("?")

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", kind.encode()), (b"x-request-id", b"r-1")]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers}
    return await main.service.answer(http.Request(scope, receive))


async def test_a_handler_gets_its_ports_and_answers_with_the_contracts_headers(tiny: Main) -> None:
    reply = await ask(tiny, "POST", "/things", b'{"name":"a"}')
    assert (reply.status, json.loads(reply.body)) == (200, {"name": "a", "greeting": "hello"})
    assert reply.headers["x-request-id"] == "r-1"


async def test_every_cookie_and_note_goes_out(tiny: Main) -> None:
    reply = await ask(tiny, "GET", "/things/x")
    assert json.loads(reply.body)["id"] == "r-1"
    assert reply.headers["sluice-caller"] == "key:1"
    cookies = [value for name, value in reply.raw_headers() if name == b"set-cookie"]
    assert [cookie.partition(b";")[0] for cookie in cookies] == [b"a=1", b"b=2"]
    assert [name for name, _ in reply.raw_headers()].count(b"content-length") == 1


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/things/gone", 410, "gone"),
        ("/things/away", 503, "unavailable"),
        ("/things/bug", 500, "internal"),
        ("/nothing", 404, "not_found"),
        ("/things/x?a=%00", 422, "bad_text"),
    ],
)
async def test_what_handlers_raise_becomes_our_problems(tiny: Main, path: str, status: int, code: str) -> None:
    reply = await ask(tiny, "GET", path)
    assert (reply.status, json.loads(reply.body)["code"], reply.content_type) == (
        status,
        code,
        "application/problem+json",
    )
    assert b"a bug" not in reply.body


async def test_a_method_that_is_not_there_names_those_that_are(tiny: Main) -> None:
    reply = await ask(tiny, "PUT", "/things", b"{}")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"name":"a","size":"hidden-value"}', 422, "bad_value"),
        (b"{}", 422, "bad_value"),
        (b'{"name":', 400, "malformed_json"),
        (b'{"name":Infinity}', 400, "malformed_json"),
        (b"[" * 900, 422, "bad_value"),
        (b'{"name":"a","name":"b"}', 422, "duplicate_key"),
        (b'{"name":"a\\u0000"}', 422, "bad_text"),
        (b'{"name":"' + b"a" * 2_000 + b'"}', 413, "body_too_large"),
    ],
)
async def test_bad_bodies_are_refused_by_field_and_without_their_values(
    tiny: Main, body: bytes, status: int, code: str
) -> None:
    reply = await ask(tiny, "POST", "/things", body)
    said = json.loads(reply.body)
    assert reply.status == status or said["code"] == "malformed_json"
    assert said["code"] in {code, "malformed_json"}
    assert b"hidden-value" not in reply.body


async def test_an_escaped_backslash_before_u0000_is_no_null_character(tiny: Main) -> None:
    reply = await ask(tiny, "POST", "/things", rb'{"name":"a\\u0000"}')
    assert json.loads(reply.body)["name"] == "a\\u0000"


async def test_what_is_no_json_is_refused_by_its_type(tiny: Main) -> None:
    reply = await ask(tiny, "POST", "/things", b"name=a", "application/x-www-form-urlencoded")
    assert (reply.status, json.loads(reply.body)["code"]) == (415, "unsupported_media_type")


async def test_health_readiness_and_metrics_are_the_contracts(tiny: Main) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await ask(tiny, "GET", path)).status == 200

"""FastAPI under the contract of functions: for a function with many addresses.

`main = web_function("workspace", opens, build)`: `build()` makes the FastAPI application, once, when the function is
opened, so FastAPI is imported then and not before. Everything of shared.function holds for it: health, readiness and
metrics, ids, refusals as problem documents (a handler raises Rejected or UnavailableError as everywhere), bugs as 500.

A handler gets what it works with by FastAPI's dependencies, which are made of these two:

    def ports(request: fastapi.Request) -> Ports: return ports_of(request)     # what `opens` gave
    def asked(request: fastapi.Request) -> shared.http.Request: return asked_of(request)

Bodies are JSON (415 else) of at most `most_bytes`; malformed JSON, names given twice, null characters, and what the
models refuse are 4xx problems that name the fields and never repeat a value, which may be a password.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from shared.function import AnswersWith, Main, Opens, Ready, function
from shared.http import Passed, Reply, Request, Scope
from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import HTTPConnection

PortsT = TypeVar("PortsT")

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MOST_BYTES = 256 * 1024
_ASKED = "sluice.request"
_MOST_ERRORS = 20
_MOST_NAME = 100
_NUL = "\0"

Message = MutableMapping[str, Any]


def web_function(
    name: str,
    opens: Opens[PortsT],
    build: "Callable[[], FastAPI]",
    *,
    methods: Sequence[str] = METHODS,
    most_bytes: int = MOST_BYTES,
) -> Main:
    """A function whose addresses are those of a FastAPI application."""

    @asynccontextmanager
    async def opens_app() -> AsyncIterator[_App[PortsT]]:
        async with opens() as ports:
            app = build()
            _refuse_as_we_do(app)
            app.state.ports = ports
            yield _App(app, ports, most_bytes)

    @function(name, opens_app, methods)
    async def main(request: Request, app: _App[PortsT]) -> Reply:
        return await app.answer(request)

    return main


def ports_of(connection: "HTTPConnection") -> Any:
    """What the function's `opens` gave; a handler's dependency says of which type it is."""
    return connection.app.state.ports


def asked_of(connection: "HTTPConnection") -> Request:
    """The request as the contract of functions has it: its id, its peer, its notes."""
    request: Request = connection.scope[_ASKED]
    return request


class _App(Generic[PortsT]):
    """An application with the clients of its function."""

    def __init__(self, app: "FastAPI", ports: PortsT, most_bytes: int) -> None:
        self._app = app
        self._ports = ports
        self._most_bytes = most_bytes

    async def ready(self) -> None:
        if isinstance(self._ports, Ready):
            await self._ports.ready()

    def answer_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return self._ports.answer_headers(headers) if isinstance(self._ports, AnswersWith) else {}

    async def answer(self, request: Request) -> Reply:
        """What the application answers; raises what its handlers raise."""
        body = await request.body(self._most_bytes)
        _check_text(request)
        if body:
            _check_body(request, body)
        exchange = _Exchange(body)
        await self._app(_scope(request), exchange.receive, exchange.send)
        return exchange.reply()


class _Exchange:
    """One request and its answer, both whole."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], list(message["headers"])
        else:
            self._parts.append(message.get("body", b""))

    def reply(self) -> Reply:
        headers: dict[str, str] = {}
        cookies: list[str] = []
        for raw_name, raw_value in self._headers:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            if name == "set-cookie":
                cookies.append(value)
            elif name != "content-length":
                headers[name] = value
        return Passed(self._status, b"".join(self._parts), headers.pop("content-type", ""), headers, cookies)


def _scope(request: Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.address.partition("?")[0].encode("latin-1"),
        "query_string": request.query,
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()],
        "client": (request.peer, 0),
        "server": None,
        _ASKED: request,
    }


def _check_text(request: Request) -> None:
    if _NUL in request.path or b"%00" in request.query:
        raise Rejected(Refusal.BAD_TEXT, "the address holds a null character")


def _check_body(request: Request, body: bytes) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise Rejected(Refusal.UNSUPPORTED_MEDIA_TYPE, "send JSON with `Content-Type: application/json`")
    try:
        json.loads(body, object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Rejected(Refusal.MALFORMED_JSON, _shortened(str(error))) from error
    if b"\\u0000" in body and _has_nul(msgspec.json.decode(body)):
        raise Rejected(Refusal.BAD_TEXT, "a text in the body holds a null character")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Rejected(Refusal.DUPLICATE_KEY, "a name in the body is there twice")
    return found


def _no_number(text: str) -> Any:
    raise Rejected(Refusal.MALFORMED_JSON, f"{text} is no JSON number")


def _has_nul(value: Any) -> bool:
    match value:
        case str():
            return _NUL in value
        case dict():
            return any(_NUL in name or _has_nul(inner) for name, inner in value.items())
        case list():
            return any(map(_has_nul, value))
        case _:
            return False


def _refuse_as_we_do(app: "FastAPI") -> None:
    """The refusals that FastAPI makes itself become ours: raised, as a handler's own are."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    handlers: dict[type[Exception], Callable[[Any, Any], Awaitable[Any]]] = {
        RequestValidationError: _invalid,
        HTTPException: _http,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _invalid(request: Any, error: Any) -> Any:
    """A value a model refuses: which, and why; never the value."""
    del request
    found = [
        {"field": _shortened(".".join(map(str, fault["loc"][1:])) or "body"), "detail": fault["msg"]}
        for fault in error.errors()[:_MOST_ERRORS]
    ]
    unknown = all(fault["type"] == "extra_forbidden" for fault in error.errors())
    detail = "; ".join(f"`{fault['field']}`: {fault['detail']}" for fault in found)
    raise Rejected(Refusal.UNKNOWN_FIELD if unknown else Refusal.BAD_VALUE, detail, errors=found)


async def _http(request: Any, error: Any) -> Any:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            raise Rejected(Refusal.NOT_FOUND, f"there is nothing at {_shortened(request.url.path)}")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            rejected = Rejected(Refusal.METHOD_NOT_ALLOWED)
            rejected.headers = {name.lower(): value for name, value in (error.headers or {}).items()}
            raise rejected
        case _:
            raise Rejected(Refusal.BAD_REQUEST, str(error.detail))


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_NAME else text[:_MOST_NAME] + "…"

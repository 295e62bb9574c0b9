"""Several functions in one process: how the embedded runtime hosts them, by the wiring table.

`edge` answers the public addresses and forwards those of functions hosted elsewhere; `work` hosts all other
functions, each also under `/<service>/` where the emulated sources post their CloudEvents. `router` is an edge that
hosts no function: each runs in a container of its own.
"""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yarl import URL

from shared import openapi
from shared.config import load
from shared.function import LIVE, METRICS, READY, Service, exposition
from shared.http import ClientGoneError, Receive, Reply, Request, Scope, Send, from_this_machine, json_reply, problem
from shared.local.ports import LocalSettings, origin_of
from shared.paths import is_template, match
from shared.refusals import Refusal, Rejected
from shared.serve import find_main, serve
from shared.telemetry import identify
from shared.wiring import Wiring, load_wiring

if TYPE_CHECKING:
    import aiohttp

OPENAPI = "/api/v1/openapi.json"
DOCUMENT = Path(__file__).resolve().parents[2] / openapi.FILE
MAX_FORWARDED_BYTES = 11 * 1024 * 1024
_FORWARD_SECONDS = 65
# Hop-by-hop headers belong to one connection and are never passed on (RFC 9110 §7.6.1).
_NOT_FORWARDED = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"})
_NOT_RETURNED = _NOT_FORWARDED | {"content-length", "content-type", "date"}

# Method → the function that answers it, by service name.
Methods = dict[str, str]


class Host:
    """An ASGI app that routes requests to the functions of one process."""

    def __init__(self, wiring: Wiring, process: str, *, forward_to: str = "") -> None:
        self._services: dict[str, Service[Any]] = {
            row.service: find_main(row.name).service for row in wiring.hosted_by(process)
        }
        self._routes: dict[str, Methods] = {}
        self._templates: dict[str, Methods] = {}
        for row in wiring.functions:
            for route in row.http:
                routes = self._templates if is_template(route.path) else self._routes
                methods = routes.setdefault(route.path, {})
                methods.update(dict.fromkeys(route.methods, row.service))
        self._public = process != "work"
        self._openapi = DOCUMENT.read_bytes() if self._public else b""
        self._forward_to = forward_to
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await self._enveloped(Request(scope, receive))).send(send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _enveloped(self, request: Request) -> Reply:
        """The host's own answers carry the same ids as those of the functions, which have theirs already."""
        reply = await self._guarded(request)
        if "traceparent" not in reply.headers:
            _identified(request)
            reply.headers["x-request-id"] = request.request_id
            reply.headers["traceparent"] = request.traceparent
        return reply

    async def _guarded(self, request: Request) -> Reply:
        """An answer also where the body cannot be read before any function has the request."""
        try:
            return await self._answer(request)
        except Rejected as rejected:
            return _refused(request, rejected.refusal, rejected.detail)
        except ClientGoneError:
            return _refused(request, Refusal.BAD_REQUEST, "the body ended early")

    async def _answer(self, request: Request) -> Reply:
        if not self._public and not from_this_machine(request.headers):
            return _refused(request, Refusal.BAD_REQUEST, "this port answers only as 127.0.0.1 or localhost")
        methods = self._routes.get(request.path) or self._from_template(request.path)
        if methods is not None:
            if request.method not in methods:
                return _refused(request, Refusal.METHOD_NOT_ALLOWED, allow=sorted(methods))
            name = methods[request.method]
            service = self._services.get(name)
            return await (service.answer(request) if service else self._forward(request, name))
        if request.path in LIVE:
            return Reply(200, b'{"status":"alive"}')
        if request.path in READY:
            return await self._ready(request)
        if self._public:
            return self._outside(request)
        if request.path == METRICS:
            return exposition()
        return await self._internal(request)

    def _from_template(self, path: str) -> Methods | None:
        """The route whose named segments fit; a path that is written out wins over it."""
        for template, methods in self._templates.items():
            if match(template, path) is not None:
                return methods
        return None

    def _outside(self, request: Request) -> Reply:
        """What no function answers: the root and the API's document say where things are, all else is a JSON 404."""
        if request.path not in {"/", OPENAPI}:
            detail = f"no function answers {request.path!r}; {OPENAPI} lists what is there"
            return _refused(request, Refusal.NOT_FOUND, detail)
        if request.method not in {"GET", "HEAD"}:
            return _refused(request, Refusal.METHOD_NOT_ALLOWED, allow=["GET", "HEAD"])
        if request.path == OPENAPI:
            return Reply(200, self._openapi)
        return json_reply({"name": "Sluice", "api": "/api/v1", "openapi": OPENAPI, "health": "/healthz"})

    async def _internal(self, request: Request) -> Reply:
        """`/<service>/…`: the address a source or trigger posts to."""
        name, _, rest = request.path.lstrip("/").partition("/")
        service = self._services.get(name)
        if service is None:
            return _refused(request, Refusal.NOT_FOUND, f"no function {name!r} is hosted here")
        request.path = "/" + rest
        return await service.answer(request)

    async def _ready(self, request: Request) -> Reply:
        """Ready when every hosted function is."""
        for service in self._services.values():
            request.path = next(iter(READY))
            reply = await service.answer(request)
            if reply.status != 200:  # noqa: PLR2004 (the status of ready)
                return reply
        return Reply(200, b'{"status":"ready"}')

    async def _forward(self, request: Request, service: str) -> Reply:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=False)
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_FORWARDED}
        headers["x-request-id"] = _identified(request).request_id
        headers["traceparent"] = request.traceparent
        headers["x-forwarded-for"] = ", ".join(filter(None, [headers.get("x-forwarded-for"), request.peer]))
        body = await request.body(MAX_FORWARDED_BYTES)
        timeout = aiohttp.ClientTimeout(total=_FORWARD_SECONDS)
        address = URL(origin_of(self._forward_to, service) + request.address, encoded=True)
        try:
            async with self._session.request(
                request.method, address, headers=headers, data=body or None, timeout=timeout, allow_redirects=False
            ) as answer:
                content = await answer.read()
                found = {name.lower(): value for name, value in answer.headers.items()}
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _refused(request, Refusal.UNAVAILABLE, f"the function does not answer: {error!r}")
        kept = {name: value for name, value in found.items() if name not in _NOT_RETURNED}
        return Reply(answer.status, content, found.get("content-type", ""), kept)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.gather(*(service.open() for service in self._services.values()))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.gather(*(service.close() for service in self._services.values()))
        if self._session is not None:
            await self._session.close()
        await send({"type": "lifespan.shutdown.complete"})


def _refused(request: Request, refusal: Refusal, detail: str = "", *, allow: Iterable[str] = ()) -> Reply:
    """A refusal of the host itself: with a request id, as those of the functions."""
    return problem(refusal, detail, request_id=_identified(request).request_id, allow=allow)


def _identified(request: Request) -> Request:
    if not request.request_id:
        identify(request)
    return request


def main(process: str) -> None:
    """`python -m shared.local.host edge|work|router`."""
    settings = load(LocalSettings)
    edge = process != "work"
    host = Host(load_wiring(), process, forward_to=settings.functions_url)
    if edge:
        from prometheus_client import start_http_server

        start_http_server(settings.port_of("metrics"), addr=settings.metrics_host)
    serve(
        host,
        host=settings.host if edge else "127.0.0.1",
        port=settings.port_of("edge" if edge else process),
        log_level=settings.log_level,
        process=process,
    )


if __name__ == "__main__":
    main(sys.argv[1])

"""Several functions in one process: how the embedded runtime hosts them, by the wiring table.

`edge` answers the public addresses and forwards those of functions hosted elsewhere; `work` hosts all other
functions, each also under `/<service>/` where the emulated sources post their CloudEvents. `router` is an edge that
hosts no function: each runs in a container of its own.
"""

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.at_once import AtOnce, Begin
from shared.config import load
from shared.edge.front import Front, FrontSettings
from shared.edge.reference import OPENAPI, Reference
from shared.edge.routes import Routes
from shared.function import LIVE, METRICS, READY, exposition
from shared.http import ClientGoneError, Receive, Reply, Request, Scope, Send, from_this_machine, json_reply, problem
from shared.local.pages import Pages
from shared.local.ports import LocalSettings
from shared.paths import is_template
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.serve import find_main, serve
from shared.streams import serve_websocket
from shared.telemetry import identify, record_request
from shared.wiring import Function, Wiring, load_wiring

# The router passes requests of ingest on, too: the largest is bounded there.
MAX_FORWARDED_BYTES = 11 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class HostSettings(LocalSettings, FrontSettings):
    """What a process of the embedded runtime needs."""


class Answering(Protocol):
    """A function as its host sees it: opened once, asked, closed."""

    async def open(self) -> None:
        """Open its clients."""

    async def close(self) -> None:
        """Drain and close them."""

    async def answer(self, request: Request) -> Reply:
        """Its answer."""
        ...


class Host:
    """An ASGI app that routes requests to the functions of one process."""

    def __init__(
        self,
        wiring: Wiring,
        process: str,
        *,
        forward_to: str = "",
        settings: FrontSettings | None = None,
        services: Mapping[str, Answering] | None = None,
    ) -> None:
        """`services` stand for the functions of this process where those are not in it."""
        self._services: Mapping[str, Answering] = services or {
            row.service: find_main(row.name).service for row in wiring.hosted_by(process)
        }
        found: Iterable[tuple[str, object]] = (
            (route.path, self._services.get(row.service)) for row in wiring.functions for route in row.http
        )
        self._beginning: Mapping[bytes, AtOnce] = {
            path.encode(): service for path, service in found if isinstance(service, AtOnce) and not is_template(path)
        }
        self._routes = Routes(wiring.functions)
        self._public = process != "work"
        self._reference = Reference()
        self._pages = Pages()
        self._front = Front(forward_to, settings or FrontSettings())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await self._enveloped(Request(scope, receive))).send(send)
        elif scope["type"] == "websocket":
            await serve_websocket(scope, receive, send, self._enveloped)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    def begins(self, method: bytes, path: bytes) -> Begin | None:
        """See shared.at_once: what the hosted function says that answers this address."""
        service = self._beginning.get(path)
        return None if service is None else service.begins(method, path)

    async def _enveloped(self, request: Request) -> Reply:
        """The host's own answers carry the same ids as those of the functions, which have theirs already.

        What is passed on gets the gateway's headers; ingest, which is hosted here and not behind it, has its own.
        """
        reply = await self._guarded(request)
        if self._public and not request.function:
            reply = await self._front.dress(request, reply)
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
            reply = _refused(request, rejected.refusal, rejected.detail, extra=rejected.extra)
            reply.headers.update(rejected.headers)
            return reply
        except UnavailableError as error:
            return problem(
                Refusal.UNAVAILABLE,
                str(error),
                request_id=_identified(request).request_id,
                retry_after=error.retry_after_seconds,
            )
        except ClientGoneError:
            return _refused(request, Refusal.BAD_REQUEST, "the body ended early")

    async def _answer(self, request: Request) -> Reply:
        if not self._public and not from_this_machine(request.headers):
            return _refused(request, Refusal.BAD_REQUEST, "this port answers only as 127.0.0.1 or localhost")
        methods = self._routes.find(request.path)
        if methods is not None:
            row = methods.get(request.method)
            if row is None:
                return await self._front.preflight(request) or _refused(
                    request, Refusal.METHOD_NOT_ALLOWED, allow=sorted(methods)
                )
            service = self._services.get(row.service)
            return await (service.answer(request) if service else self._forward(request, row))
        if request.path in LIVE:
            return Reply(200, b'{"status":"alive"}')
        if request.path in READY:
            return await self._ready(request)
        if self._public:
            page = self._pages.answer(request)
            return await self._front.frame(request, page) if page else self._outside(request)
        if request.path == METRICS:
            return exposition(request.headers.get("accept", ""))
        return await self._internal(request)

    def _outside(self, request: Request) -> Reply:
        """What no function answers: the root and the API's document say where things are, all else is a JSON 404."""
        if request.path not in {"/", OPENAPI}:
            detail = f"no function answers {request.path!r}; {OPENAPI} lists what is there"
            return _refused(request, Refusal.NOT_FOUND, detail)
        if request.method not in {"GET", "HEAD"}:
            return _refused(request, Refusal.METHOD_NOT_ALLOWED, allow=["GET", "HEAD"])
        if reply := self._reference.answer(request.path):
            return reply
        return json_reply({"name": "Sluice", "api": "/api/v1", "openapi": OPENAPI, "health": "/healthz"})

    async def _internal(self, request: Request) -> Reply:
        """`/<service>/…`: the address a source or trigger posts to."""
        name, _, rest = request.path.lstrip("/").partition("/")
        service = self._services.get(name)
        if service is None:
            return _refused(request, Refusal.NOT_FOUND, f"no function {name!r} is hosted here")
        request.move("/" + rest)
        return await service.answer(request)

    async def _ready(self, request: Request) -> Reply:
        """Ready when every hosted function is."""
        for service in self._services.values():
            request.path = next(iter(READY))
            reply = await service.answer(request)
            if reply.status != 200:  # noqa: PLR2004 (the status of ready)
                return reply
        return Reply(200, b'{"status":"ready"}')

    async def _forward(self, request: Request, row: Function) -> Reply:
        _identified(request)
        started = time.perf_counter()
        reply = await self._front.forward(request, row, MAX_FORWARDED_BYTES)
        record_request("edge", request, reply.status, time.perf_counter() - started)
        return reply

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await asyncio.gather(*(service.open() for service in self._services.values()))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.gather(*(service.close() for service in self._services.values()))
        await self._front.close()
        await send({"type": "lifespan.shutdown.complete"})


def _refused(
    request: Request,
    refusal: Refusal,
    detail: str = "",
    *,
    allow: Iterable[str] = (),
    extra: Mapping[str, object] | None = None,
) -> Reply:
    """A refusal of the host itself: with a request id, as those of the functions."""
    return problem(refusal, detail, request_id=_identified(request).request_id, allow=allow, extra=extra)


def _identified(request: Request) -> Request:
    if not request.request_id:
        identify(request)
    return request


def main(process: str, worker: int = 1) -> None:
    """`python -m shared.local.host edge|work|router [NUMBER]`: the number of the process among those of the edge."""
    settings = load(HostSettings)
    edge = process != "work"
    host = Host(load_wiring(), process, forward_to=settings.functions_url, settings=settings)
    if edge:
        from prometheus_client import start_http_server

        start_http_server(settings.port_of("metrics") + worker - 1, addr=settings.metrics_host)
    serve(
        host,
        host=settings.host if edge else "127.0.0.1",
        port=settings.port_of("edge" if edge else process),
        log_level=settings.log_level,
        process=process,
        shares_port=edge and settings.edge_workers > 1,
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))

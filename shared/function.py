"""The contract every function keeps, whoever serves it.

A function folder's main.py decorates one `async def main(request, ports)` with `@function(...)`. What comes out
is `async def main(request)`: functions-framework runs it as it is, and `python -m shared.function NAME` serves it
on plain ASGI, which starts and runs faster. Both ways the function answers its health, readiness and metrics
addresses, carries request id and trace context, turns refusals into problem documents and bugs into 500.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec
import structlog

from shared import metrics
from shared.at_once import Begin, BeginsAtOnce, Head, RawHeaders
from shared.bus import Message
from shared.cloudevent import encode_binary, looks_like_cloudevent
from shared.config import ServerSettings, load
from shared.dead_letters import is_for
from shared.http import ClientGoneError, Receive, Reply, Request, Scope, Send, problem
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.telemetry import child_traceparent, configure_logging, identify, record_request, request_id_of
from shared.tracing import exemplar, is_sampled

LIVE = frozenset({"/healthz", "/health", "/_/health"})
READY = frozenset({"/readyz", "/_/ready"})
METRICS = "/metrics"
# Where a source or a Trigger posts its events.
SINK = "/"
_OWN = LIVE | READY | {METRICS, SINK}
# Whoever collects metrics asks the function itself: what came through a proxy may be anybody.
_FORWARDED = "x-forwarded-for"
_STATUS_CLIENT_ERROR = 400
_STATUS_SERVER_ERROR = 500

log = structlog.get_logger()

PortsT = TypeVar("PortsT")
Opens = Callable[[], AbstractAsyncContextManager[PortsT]]


@runtime_checkable
class Ready(Protocol):
    """Ports may say whether the function can work now; raises UnavailableError where it cannot."""

    async def ready(self) -> None: ...


@runtime_checkable
class AnswersWith(Protocol):
    """Ports may add headers to every answer, errors too, by the headers of its request (CORS, for one)."""

    def answer_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]: ...


@asynccontextmanager
async def no_ports() -> AsyncIterator[None]:
    """For a function that needs no client."""
    yield None


class Service(Generic[PortsT]):
    """One function with its open clients: answers requests, however they arrive."""

    def __init__(
        self,
        name: str,
        handler: Callable[[Request, PortsT], Awaitable[Reply]],
        opens: Opens[PortsT],
        methods: Sequence[str] = ("GET", "POST"),
    ) -> None:
        self.name = name
        self._service = name.replace("_", "-")
        self._methods = methods
        self._handler = handler
        self._opens = opens
        self._stack = AsyncExitStack()
        self._ports: PortsT | None = None
        self._answers_with: AnswersWith | None = None
        self._begins: BeginsAtOnce | None = None
        self._opened = False
        self._opening: asyncio.Lock | None = None
        self._by_status: dict[int, Any] = {}

    async def open(self) -> None:
        """Open the clients; done at start on plain ASGI, at the first request under functions-framework."""
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if not self._opened:
                self._ports = await self._stack.enter_async_context(self._opens())
                self._answers_with = self._ports if isinstance(self._ports, AnswersWith) else None
                self._begins = self._ports if isinstance(self._ports, BeginsAtOnce) else None
                self._opened = True

    async def close(self) -> None:
        """Drain and close the clients."""
        await self._stack.aclose()
        self._ports, self._answers_with, self._begins, self._opened = None, None, None, False

    async def answer(self, request: Request) -> Reply:
        """Handle one request by the contract; never raises but for cancellation."""
        started = time.perf_counter()
        request.function = self.name
        identify(request)
        reply = await self._guarded(request)
        self._dress(reply, request)
        if request.notes is not None:
            reply.headers.update(request.notes)
        self._count(reply.status, time.perf_counter() - started, request)
        return reply

    def begins(self, method: bytes, path: bytes) -> Begin | None:
        """See shared.at_once; the function's own addresses, its sink among them, never are."""
        if self._begins is None or method != b"POST" or path.decode("latin-1") in _OWN:
            return None
        return self.begin

    def begin(self, headers: RawHeaders, query: bytes, body: bytes, peer: str, answer: Callable[[Reply], None]) -> bool:
        """Begin a request without a task, if the function can; `answer` gets what `Service.answer` would return."""
        if self._begins is None:
            return False
        started = time.perf_counter()
        values = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        head = Head(
            values,
            query,
            peer,
            request_id_of(values.get("x-request-id")),
            child_traceparent(values.get("traceparent")),
        )

        def settle(outcome: Reply | Exception) -> None:
            reply = outcome if isinstance(outcome, Reply) else _failure(outcome, head)
            self._dress(reply, head)
            self._count(reply.status, time.perf_counter() - started, head)
            answer(reply)

        try:
            return self._begins.begin(head, body, settle)
        except Exception:
            log.exception("bug", request_id=head.request_id)  # the ordinary way meets it again, and answers 500
            return False

    def _dress(self, reply: Reply, request: Request | Head) -> None:
        reply.headers["x-request-id"] = request.request_id
        reply.headers["traceparent"] = request.traceparent
        if self._answers_with is not None:
            reply.headers.update(self._answers_with.answer_headers(request.headers))

    async def _guarded(self, request: Request) -> Reply:
        try:
            reply = await self._dispatch(request)
        except Exception as error:  # noqa: BLE001 (whatever happens has an answer)
            reply = _failure(error, request)
        if _STATUS_CLIENT_ERROR <= reply.status < _STATUS_SERVER_ERROR:
            _mark_final(request, reply)
        return reply

    async def _dispatch(self, request: Request) -> Reply:
        if request.path in LIVE:
            return Reply(200, b'{"status":"alive"}')
        if request.path == METRICS and _FORWARDED not in request.headers:
            return exposition(request.headers.get("accept", ""))
        if request.path not in READY and request.method not in self._methods:
            return problem(Refusal.METHOD_NOT_ALLOWED, request_id=request.request_id, allow=self._methods)
        if request.path == SINK and not is_for(self._service, request.headers, "ce-"):
            return Reply(204)
        if not self._opened:
            await self.open()
        if request.path in READY:
            if isinstance(self._ports, Ready):
                await self._ports.ready()
            return Reply(200, b'{"status":"ready"}')
        return await self._handler(request, self._ports)  # type: ignore[arg-type]  # opened above

    def _count(self, status: int, seconds: float, request: Request | Head) -> None:
        histogram = self._by_status.get(status)
        if histogram is None:
            histogram = self._by_status[status] = metrics.HTTP_SECONDS.labels(self.name, str(status))
        if not is_sampled(request.traceparent):
            histogram.observe(seconds)
            return
        histogram.observe(seconds, exemplar(request.traceparent))
        record_request(self._service, request, status, seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve on plain ASGI."""
        if scope["type"] == "http":
            reply = await self.answer(Request(scope, receive))
            await reply.send(send)
        elif scope["type"] == "websocket":
            from shared.streams import serve_websocket

            await serve_websocket(scope, receive, send, self.answer)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await self.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.close()
        await send({"type": "lifespan.shutdown.complete"})


def _failure(error: Exception, request: Request | Head) -> Reply:
    """The answer to a request that was not done: a refusal, an engine that is away, or a bug."""
    match error:
        case Rejected():
            reply = problem(error.refusal, error.detail, request_id=request.request_id, extra=error.extra)
            reply.headers.update(error.headers)
        case UnavailableError():
            log.warning("unavailable", detail=str(error), cause=repr(error.__cause__))
            reply = problem(
                Refusal.UNAVAILABLE, str(error), request_id=request.request_id, retry_after=error.retry_after_seconds
            )
        case ClientGoneError():
            reply = problem(Refusal.BAD_REQUEST, "the body ended early", request_id=request.request_id)
        case _:
            log.error("bug", path=getattr(request, "path", ""), exc_info=error)
            reply = problem(Refusal.INTERNAL, request_id=request.request_id)
    return reply


def _mark_final(request: Request, reply: Reply) -> None:
    """A source keeps response headers named Kne-… with a dead letter: say there why it was refused."""
    if looks_like_cloudevent(request.headers):
        reply.headers["kne-refusal"] = str(reply.status)
        if reply.content_type.startswith("application/problem"):
            reply.headers["kne-refusal"] = msgspec.json.decode(reply.body)["code"]


def exposition(accept: str = "") -> Reply:
    """This process's metrics in Prometheus' text format, or as OpenMetrics, with exemplars, for who accepts that."""
    from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
    from prometheus_client.exposition import choose_encoder

    if "application/openmetrics-text" in accept:
        encode, content_type = choose_encoder(accept)
        return Reply(200, encode(REGISTRY), content_type)
    return Reply(200, generate_latest(), CONTENT_TYPE_LATEST)


def event_reply(event_type: str, data: bytes, *, cause: Message, traceparent: str) -> Reply:
    """A CloudEvent as the answer to a CloudEvent: the broker publishes it. Its id follows from its cause's."""
    attributes = {
        "specversion": "1.0",
        "id": f"{cause.attributes['id']}:answer",
        "source": f"/sluice/{event_type.split('.')[2]}",
        "type": event_type,
        "datacontenttype": "application/json",
        "causeid": cause.attributes["id"],
        "traceparent": traceparent,
    }
    headers = encode_binary(Message(attributes, data))
    return Reply(200, data, headers.pop("content-type"), headers)


class Main(Protocol):
    """What `@function` makes: callable by functions-framework, with the service for everybody else."""

    service: Service[Any]

    def __call__(self, request: Any) -> Awaitable[Any]: ...


def function(
    name: str,
    opens: Opens[PortsT] = no_ports,  # type: ignore[assignment]
    methods: Sequence[str] = ("GET", "POST"),
) -> Callable[[Callable[[Request, PortsT], Awaitable[Reply]]], Main]:
    """Make `async def main(request, ports)` a function of Sluice.

    `opens` gives the clients it works with; a request with none of the `methods` is answered 405.
    """

    def decorate(handler: Callable[[Request, PortsT], Awaitable[Reply]]) -> Main:
        service = Service(name, handler, opens, methods)

        async def main(request: Any) -> Any:
            return await _answer_starlette(service, request)

        main.service = service  # type: ignore[attr-defined]
        return main  # type: ignore[return-value]

    return decorate


async def _answer_starlette(service: Service[Any], request: Any) -> Any:
    """Under functions-framework a Starlette request comes in and a Starlette response goes out."""
    from starlette.responses import Response, StreamingResponse

    from shared.streams import Streamed

    if not structlog.is_configured():  # whoever serves with functions-framework never calls shared.serve
        configure_logging(service.name, load(ServerSettings).log_level)
    reply = await service.answer(Request(request.scope, request.receive))
    response = (
        StreamingResponse(reply.parts(), reply.status)
        if isinstance(reply, Streamed)
        else Response(reply.body, reply.status)
    )
    response.raw_headers = reply.raw_headers()
    return response


if __name__ == "__main__":
    import sys

    from shared.serve import main as serve_main

    serve_main(sys.argv[1:])

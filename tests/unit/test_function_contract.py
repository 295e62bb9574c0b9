"""What every function promises, asked of a tiny one on plain ASGI."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from shared.bus import Message
from shared.cloudevent import decode
from shared.config import ConfigError
from shared.events import ACCEPTED
from shared.function import LIVE, READY, Service, event_reply, function, no_ports
from shared.http import ASGIApp, Reply, Request, json_reply, problem
from shared.refusals import Refusal, Rejected, UnavailableError, describe

LIMIT = 1_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
CLOUDEVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}

Handler = Callable[[Request, Any], Awaitable[Reply]]
ASGIMessage = MutableMapping[str, Any]


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        assert len(found) < 2, f"{name} is sent twice"
        return found[0] if found else None

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Client:
    """Hands a request to an app in the given pieces; `taken` counts how many of them the app asked for."""

    def __init__(self, pieces: Iterable[bytes] = (b"",), *, leaves: bool = False) -> None:
        self._pieces = list(pieces)
        self._leaves = leaves
        self.taken = 0

    async def receive(self) -> ASGIMessage:
        if self.taken == len(self._pieces):
            return {"type": "http.disconnect"}
        piece = self._pieces[self.taken]
        self.taken += 1
        return {
            "type": "http.request",
            "body": piece,
            "more_body": self._leaves or self.taken < len(self._pieces),
        }

    async def call(
        self,
        app: ASGIApp,
        path: str = "/",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        sent: list[ASGIMessage] = []

        async def send(message: ASGIMessage) -> None:
            sent.append(message)

        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
        scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": query.encode()}
        await app(scope, self.receive, send)
        start, body = sent
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return Answer(start["status"], pairs, body["body"])


async def call(app: ASGIApp, path: str = "/", **more: Any) -> Answer:
    return await Client().call(app, path, **more)


@dataclass
class Ports:
    """Clients that note what happens to them."""

    away: bool = False
    history: list[str] = field(default_factory=list)

    async def ready(self) -> None:
        self.history.append("ready")
        if self.away:
            raise UnavailableError("the store is away")

    @asynccontextmanager
    async def opens(self) -> AsyncIterator["Ports"]:
        self.history.append("open")
        await asyncio.sleep(0)
        yield self
        await asyncio.sleep(0)
        self.history.append("close")


async def echo(request: Request, ports: Any) -> Reply:
    return Reply(200, await request.body(LIMIT))


def service(handler: Handler = echo, ports: Ports | None = None) -> Service[Any]:
    return Service("tiny", handler, ports.opens if ports else no_ports)


def answering(reply: Reply) -> Service[Any]:
    async def handler(request: Request, ports: Any) -> Reply:
        return reply

    return service(handler)


def failing(error: BaseException) -> Service[Any]:
    async def handler(request: Request, ports: Any) -> Reply:
        raise error

    return service(handler)


# --- health, readiness, metrics


@pytest.mark.parametrize("path", sorted({"/healthz", "/health", "/_/health"}))
async def test_the_function_says_it_lives_without_opening_a_client(path: str) -> None:
    ports = Ports(away=True)
    answer = await call(service(ports=ports), path, method="GET")
    assert (answer.status, answer.json) == (200, {"status": "alive"})
    assert ports.history == []
    assert path in LIVE


@pytest.mark.parametrize("path", ["/readyz", "/_/ready"])
async def test_the_function_is_ready_when_its_ports_are(path: str) -> None:
    ports = Ports()
    answer = await call(service(ports=ports), path, method="GET")
    assert (answer.status, answer.json) == (200, {"status": "ready"})
    assert ports.history == ["open", "ready"]
    assert path in READY
    ports.away = True
    assert (await call(service(ports=ports), path, method="GET")).status == 503


async def test_a_function_without_ports_is_ready() -> None:
    assert (await call(service(), "/readyz", method="GET")).status == 200


async def test_metrics_come_in_prometheus_text_and_count_the_requests() -> None:
    counted = service(ports=(ports := Ports(away=True)))
    await call(failing(Rejected(Refusal.NOT_FOUND)))
    answer = await call(counted, "/metrics", method="GET")
    assert (
        answer.header(
            "content-type",
        )
        == "text/plain; version=1.0.0; charset=utf-8"
    )
    assert b'sluice_http_request_seconds_count{function="tiny",status="404"}' in answer.body
    assert b'sluice_http_request_seconds_bucket{function="tiny"' in answer.body
    assert ports.history == []


# --- request id and trace context


async def test_a_usable_request_id_is_taken_over() -> None:
    answer = await call(failing(Rejected(Refusal.NOT_FOUND)), headers={"x-request-id": "client-1.2:3_x"})
    assert answer.header("x-request-id") == "client-1.2:3_x"
    assert answer.json["request_id"] == "client-1.2:3_x"


@pytest.mark.parametrize("sent", ["", "a b", 'a"b', "a\nb", "é", "x" * 101, "<script>"])
async def test_an_unusable_request_id_is_replaced(sent: str) -> None:
    answer = await call(service(), headers={"x-request-id": sent})
    assert uuid.UUID(answer.header("x-request-id")).version == 7


async def test_every_request_gets_an_id_of_its_own() -> None:
    app = service()
    assert len({(await call(app)).header("x-request-id") for _ in range(50)}) == 50


async def test_the_callers_trace_goes_on_with_a_span_of_ours() -> None:
    seen: list[str] = []

    async def handler(request: Request, ports: Any) -> Reply:
        seen.append(request.traceparent)
        return Reply(200)

    answer = await call(service(handler), headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-00"})
    version, trace, span, flags = str(answer.header("traceparent")).split("-")
    assert (version, trace, flags) == ("00", TRACE, "00")
    assert span != "b7ad6b7169203331"
    assert seen == [answer.header("traceparent")]


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "00",
        f"00-{TRACE}-b7ad6b7169203331",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01-more",
    ],
)
async def test_an_unusable_trace_is_replaced_by_a_valid_one(sent: str | None) -> None:
    answer = await call(service(), headers={} if sent is None else {"traceparent": sent})
    version, trace, span, flags = str(answer.header("traceparent")).split("-")
    assert (version, flags, len(trace), len(span)) == ("00", "00", 32, 16)  # nobody records it
    assert int(trace, 16)
    assert int(span, 16)
    assert trace != TRACE


# --- refusals, outages, bugs


@pytest.mark.parametrize("refusal", Refusal)
async def test_a_refusal_becomes_its_problem_document(refusal: Refusal) -> None:
    answer = await call(failing(Rejected(refusal, "change this", position=7)), headers={"x-request-id": "r1"})
    description = describe(refusal)
    assert answer.status == description.status
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json == {
        "type": f"urn:sluice:problem:{refusal}",
        "title": description.title,
        "status": description.status,
        "code": str(refusal),
        "detail": "change this",
        "request_id": "r1",
        "position": 7,
    }


class _SlowError(UnavailableError):
    retry_after_seconds = 30


@pytest.mark.parametrize(
    ("error", "seconds"), [(UnavailableError("the bus is away"), "1"), (_SlowError("later"), "30")]
)
async def test_an_outage_is_503_and_says_when_to_repeat(error: UnavailableError, seconds: str) -> None:
    with capture_logs() as lines:
        answer = await call(failing(error))
    assert (answer.status, answer.json["code"], answer.json["detail"]) == (503, "unavailable", str(error))
    assert answer.header("retry-after") == seconds
    assert [(line["event"], line["log_level"]) for line in lines] == [("unavailable", "warning")]


@pytest.mark.parametrize(
    "error",
    [
        ValueError("secret detail"),
        KeyError("secret detail"),
        AssertionError("secret detail"),
        RecursionError("secret detail"),
        TimeoutError("secret detail"),
        msgspec.ValidationError("secret detail"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "secret detail"),
        ConfigError(["secret detail"]),
    ],
)
async def test_a_bug_is_500_with_a_log_line_and_says_nothing_of_its_inside(error: Exception) -> None:
    with capture_logs() as lines:
        answer = await call(failing(error), "/somewhere", headers=CLOUDEVENT)
    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert b"secret" not in answer.body
    assert answer.json["request_id"] == answer.header("x-request-id")
    [line] = lines
    assert (line["event"], line["log_level"], line["path"], line["exc_info"]) == ("bug", "error", "/somewhere", error)


async def test_a_bug_while_opening_is_500_too() -> None:
    def opens() -> AbstractAsyncContextManager[None]:
        raise ZeroDivisionError

    with capture_logs() as lines:
        answer = await call(Service("tiny", echo, opens))
    assert (answer.status, [line["event"] for line in lines]) == (500, ["bug"])


async def test_cancellation_is_passed_on() -> None:
    with pytest.raises(asyncio.CancelledError):
        await call(failing(asyncio.CancelledError()))


async def test_a_method_refusal_names_the_methods_that_answer() -> None:
    answer = await call(answering(problem(Refusal.METHOD_NOT_ALLOWED, allow=["GET", "POST"])))
    assert (answer.status, answer.header("allow")) == (405, "GET, POST")


@pytest.mark.parametrize("headers", [CLOUDEVENT, {"content-type": "application/cloudevents+json"}])
async def test_a_refused_cloudevent_carries_the_reason_for_its_dead_letter(headers: dict[str, str]) -> None:
    answer = await call(failing(Rejected(Refusal.UNEXPECTED_EVENT_TYPE)), headers=headers)
    assert (answer.status, answer.header("kne-refusal")) == (422, "unexpected_event_type")


async def test_a_refused_cloudevent_without_a_problem_document_carries_the_status() -> None:
    answer = await call(answering(Reply(410, b"gone", "text/plain")), headers=CLOUDEVENT)
    assert answer.header("kne-refusal") == "410"


async def test_only_a_final_refusal_of_a_cloudevent_is_marked() -> None:
    for app, headers in (
        (answering(Reply(204)), CLOUDEVENT),
        (failing(UnavailableError("away")), CLOUDEVENT),
        (failing(Rejected(Refusal.NOT_FOUND)), {}),
    ):
        assert (await call(app, headers=headers)).header("kne-refusal") is None


# --- bodies


@pytest.mark.parametrize("reply", [Reply(200, b"{}"), Reply(202), Reply(204), Reply(200, "€".encode()), json_reply([])])
async def test_the_length_of_an_answer_is_always_said(reply: Reply) -> None:
    answer = await call(answering(reply))
    assert answer.header("content-length") == str(len(reply.body))
    assert (answer.header("content-type") is None) == (not reply.body)


async def test_a_body_up_to_the_limit_is_taken_in_any_pieces() -> None:
    body = bytes(range(200)) * 5
    for size in (1, 7, 500, LIMIT):
        pieces = [body[start : start + size] for start in range(0, LIMIT, size)]
        answer = await Client(pieces).call(service(), headers={"content-length": str(LIMIT)})
        assert (answer.status, answer.body) == (200, body)


async def test_an_announced_body_above_the_limit_is_refused_and_read_away_so_that_its_sender_hears_it() -> None:
    client = Client([b"x" * 600] * 2)
    answer = await client.call(service(), headers={"content-length": "1200"})
    assert (answer.status, answer.json["code"], client.taken) == (413, "body_too_large", 2)


async def test_a_sender_that_announces_far_too_much_is_not_heard_to_the_end() -> None:
    client = Client([b"x" * 400] * 1_000)
    answer = await client.call(service(), headers={"content-length": "400000"})
    assert (answer.status, answer.json["code"]) == (413, "body_too_large")
    assert client.taken < 20


async def test_a_sender_that_announces_too_much_and_leaves_is_no_bug() -> None:
    with capture_logs() as lines:
        answer = await Client([b"x"], leaves=True).call(service(), headers={"content-length": str(LIMIT + 1)})
    assert (answer.status, lines) == (400, [])


@pytest.mark.parametrize("announced", [{}, {"content-length": "10"}, {"content-length": "many"}])
async def test_a_body_that_grows_above_the_limit_is_not_read_to_its_end(announced: dict[str, str]) -> None:
    client = Client([b"x" * 400] * 100)
    answer = await client.call(service(), headers=announced)
    assert (answer.status, answer.json["code"], client.taken) == (413, "body_too_large", 3)


async def test_a_single_piece_above_the_limit_is_refused() -> None:
    assert (await Client([b"x" * (LIMIT + 1)]).call(service())).status == 413


async def test_a_body_may_be_asked_for_twice() -> None:
    async def handler(request: Request, ports: Any) -> Reply:
        return Reply(200, await request.body(LIMIT) + await request.body(LIMIT))

    assert (await Client([b"a", b"b"]).call(service(handler))).body == b"abab"


@pytest.mark.parametrize("pieces", [[], [b"the beg"], [b"the", b" beg"]])
async def test_a_client_that_leaves_amid_its_body_is_no_bug(pieces: Sequence[bytes]) -> None:
    with capture_logs() as lines:
        answer = await Client(pieces, leaves=True).call(service())
    assert (answer.status, answer.json["code"], lines) == (400, "bad_request", [])


async def test_the_address_is_kept_as_sent() -> None:
    async def handler(request: Request, ports: Any) -> Reply:
        return json_reply(request.address)

    answer = await call(service(handler), "/a b", query="x=1&x=%E2%82%AC&empty=&plus=a+b")
    assert answer.json == "/a%20b?x=1&x=%E2%82%AC&empty=&plus=a+b"


# --- clients over the life of a process


class Lifespan:
    """The server's side of the lifespan protocol."""

    def __init__(self, app: ASGIApp) -> None:
        self._events: asyncio.Queue[ASGIMessage] = asyncio.Queue()
        self._answers: asyncio.Queue[ASGIMessage] = asyncio.Queue()
        self._task = asyncio.ensure_future(app({"type": "lifespan"}, self._events.get, self._answers.put))

    async def startup(self) -> str:
        return await self._ask("lifespan.startup")

    async def shutdown(self) -> str:
        answer = await self._ask("lifespan.shutdown")
        await self._task
        return answer

    async def _ask(self, kind: str) -> str:
        await self._events.put({"type": kind})
        return str((await asyncio.wait_for(self._answers.get(), 1))["type"])


async def test_clients_are_open_from_startup_to_shutdown() -> None:
    app = service(ports=(ports := Ports()))
    lifespan = Lifespan(app)
    assert await lifespan.startup() == "lifespan.startup.complete"
    assert ports.history == ["open"]
    await call(app)
    assert await lifespan.shutdown() == "lifespan.shutdown.complete"
    assert ports.history == ["open", "close"]


async def test_clients_are_closed_at_shutdown_though_a_request_is_in_flight() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(request: Request, ports: Any) -> Reply:
        entered.set()
        await leave.wait()
        return Reply(202)

    app = service(slow, ports := Ports())
    lifespan = Lifespan(app)
    await lifespan.startup()
    in_flight = asyncio.create_task(call(app))
    await entered.wait()
    assert await lifespan.shutdown() == "lifespan.shutdown.complete"
    assert ports.history == ["open", "close"]
    leave.set()
    assert (await in_flight).status == 202


async def test_without_a_lifespan_clients_open_once_at_the_first_requests() -> None:
    app = service(ports=(ports := Ports()))
    answers = await asyncio.gather(*(call(app) for _ in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert ports.history == ["open"]


async def test_clients_that_could_not_be_opened_are_tried_again() -> None:
    attempts: list[int] = []

    @asynccontextmanager
    async def opens() -> AsyncIterator[None]:
        attempts.append(1)
        if len(attempts) < 3:
            raise UnavailableError("the store is away")
        yield None

    app = Service("tiny", echo, opens)
    assert [(await call(app)).status for _ in range(4)] == [503, 503, 200, 200]
    assert len(attempts) == 3


# --- what functions-framework calls, and events as answers


async def test_main_answers_a_starlette_request_by_the_same_contract() -> None:
    from starlette.requests import Request as StarletteRequest

    @function("tiny")
    async def main(request: Request, ports: None) -> Reply:
        if not await request.body(LIMIT):
            return Reply(204)
        raise Rejected(Refusal.NOT_AN_OBJECT)

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [(b"x-request-id", b"r1")]}
    refused = await main(StarletteRequest(scope, Client([b"[]"]).receive))
    assert (refused.status_code, msgspec.json.decode(refused.body)["code"]) == (422, "not_an_object")
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers.getlist("content-length") == [str(len(refused.body))]
    empty = await main(StarletteRequest(scope, Client().receive))
    assert (empty.status_code, empty.headers.getlist("content-length")) == (204, ["0"])
    assert empty.headers["x-request-id"] == "r1"


async def test_an_event_as_answer_is_a_valid_cloudevent_that_names_its_cause() -> None:
    cause = Message(
        {"specversion": "1.0", "id": "ask/7 ü", "source": "/s", "type": "dev.sluice.query.requested.v1"}, b""
    )
    parent = f"00-{TRACE}-b7ad6b7169203331-01"
    reply = event_reply("dev.sluice.query.answered.v1", b'{"value":1.10}', cause=cause, traceparent=parent)
    answer = await call(answering(reply))
    event = decode(dict(answer.headers), answer.body)
    # the answer's own span stands in the HTTP header, the event's in its attribute
    assert event.attributes == {
        "specversion": "1.0",
        "id": "ask/7 ü:answer",
        "source": "/sluice/query",
        "type": "dev.sluice.query.answered.v1",
        "datacontenttype": "application/json",
        "causeid": "ask/7 ü",
        "traceparent": parent,
    }
    assert event.data == b'{"value":1.10}'


async def test_a_method_the_function_does_not_take_is_refused_before_its_clients_open() -> None:
    opened: list[int] = []

    @asynccontextmanager
    async def opens() -> AsyncIterator[None]:
        opened.append(1)
        yield None

    async def handler(_request: Request, _ports: None) -> Reply:
        return Reply(204)

    answer = await call(Service("tiny", handler, opens, methods=("POST",)), method="PUT")
    assert (answer.status, answer.header("allow"), opened) == (405, "POST", [])


async def test_an_event_sent_again_for_another_reader_of_the_topic_is_taken_unseen() -> None:
    seen: list[str] = []

    async def note(request: Request, _ports: None) -> Reply:
        seen.append(request.path)
        return Reply(200)

    again = {**CLOUDEVENT, "ce-type": ACCEPTED, "ce-onlyfor": "batch-write"}
    live, batch_write = Service("live", note, no_ports), Service("batch_write", note, no_ports)
    assert (await call(live, headers=again)).status == 204
    assert seen == []
    assert (await call(batch_write, headers=again)).status == 200
    assert (await call(live, headers={**again, "ce-onlyfor": "live"})).status == 200
    assert (await call(live, "/api/v1/live/counts", headers=again)).status == 200, "an address of people"

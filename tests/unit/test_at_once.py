"""A request that came whole is begun at once where its function can; every other goes uvicorn's way, unchanged."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from shared.at_once import Head, Settle
from shared.function import Service
from shared.http import Reply, Request
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.serve_protocol import GatheringProtocol
from tests.unit.test_request_heads import Peer, turns


def post(body: bytes = b"{}", *headers: bytes, path: bytes = b"/x", version: bytes = b"1.1") -> bytes:
    lines = [b"POST %s HTTP/%s" % (path, version), b"host: h", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


class Ports:
    """Begins what is not `slow`; a test settles what was begun."""

    def __init__(self) -> None:
        self.begun: list[tuple[Head, bytes, Settle]] = []

    def begin(self, head: Head, body: bytes, settle: Settle) -> bool:
        if body == b"bug":
            raise ValueError(body)
        if body == b"slow":
            return False
        self.begun.append((head, body, settle))
        return True


class Connection:
    """A connection to a function with such ports."""

    def __init__(self) -> None:
        self.ports, self.ordinary = Ports(), list[bytes]()
        self.service = Service("example", self._handle, self._open)
        config = Config(self.service, log_config=None, proxy_headers=False)
        config.load()
        self.protocol, self.peer = GatheringProtocol(config, ServerState(), {}), Peer()

    async def open(self) -> "Connection":
        await self.service.open()
        self.protocol.connection_made(self.peer)
        return self

    async def send(self, *parts: bytes) -> bytes:
        """What the client sees once these parts have come, each by itself."""
        for part in parts:
            self.protocol.data_received(part)
            await turns()
        return await self.seen()

    async def seen(self) -> bytes:
        await turns()
        seen, self.peer.seen = self.peer.seen, b""
        return seen

    async def _handle(self, request: Request, _ports: Ports) -> Reply:
        self.ordinary.append(await request.body(1_000))
        if self.ordinary[-1] == b"bug":
            raise ValueError
        return Reply(200, b'"ordinary"')

    def _open(self) -> Any:
        from contextlib import nullcontext

        return nullcontext(self.ports)


@pytest.fixture
async def connection() -> Connection:
    return await Connection().open()


async def test_a_whole_request_is_begun_in_the_callback_that_read_it(connection: Connection) -> None:
    connection.protocol.data_received(post(b"one", b"X-Request-Id: r-1", path=b"/x?a=1"))
    [(head, body, settle)] = connection.ports.begun
    assert (body, head.query, head.request_id, head.headers["host"]) == (b"one", b"a=1", "r-1", "h")
    settle(Reply(202, b'"begun"', headers={"x-own": "1"}))
    seen = await connection.seen()
    assert seen.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert seen.endswith(b'\r\n\r\n"begun"')
    assert b"\r\ncontent-length: 7\r\n" in seen
    assert b"\r\nx-own: 1\r\n" in seen
    assert b"\r\nx-request-id: r-1\r\n" in seen
    assert connection.ordinary == []


@pytest.mark.parametrize("parts", [(post(b"one")[:-2], b"ne"), (post(b"one")[:9], post(b"one")[9:-3], b"one")])
async def test_a_request_in_pieces_goes_the_ordinary_way(connection: Connection, parts: tuple[bytes, ...]) -> None:
    assert (await connection.send(*parts)).endswith(b'"ordinary"')
    assert (connection.ports.begun, connection.ordinary) == ([], [b"one"])


async def test_what_is_not_begun_goes_the_ordinary_way_whole(connection: Connection) -> None:
    assert (await connection.send(post(b"slow"))).endswith(b'"ordinary"')
    assert connection.ordinary == [b"slow"]


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz", b"/metrics", b"/"])
async def test_the_addresses_of_every_function_are_never_begun(connection: Connection, path: bytes) -> None:
    await connection.send(post(b"one", path=path))
    assert connection.ports.begun == []


async def test_a_bug_is_a_500_and_not_the_clients_fault(connection: Connection) -> None:
    assert (await connection.send(post(b"bug"))).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (UnavailableError("the bus is away"), b"503"),
        (Rejected(Refusal.OVERLOADED, "too many"), b"429"),
        (ValueError("secret"), b"500"),
    ],
)
async def test_what_fails_later_is_answered_as_a_problem(
    connection: Connection, outcome: Exception, status: bytes
) -> None:
    await connection.send(post())
    connection.ports.begun[0][2](outcome)
    seen = await connection.seen()
    assert seen.startswith(b"HTTP/1.1 " + status)
    assert b"application/problem+json" in seen
    assert b"secret" not in seen


async def test_requests_sent_in_one_piece_are_answered_in_their_order(connection: Connection) -> None:
    assert await connection.send(post(b"one") + post(b"two") + post(b"three")) == b""
    assert connection.ordinary == []
    connection.ports.begun[0][2](Reply(202, b'"begun"'))
    seen = await connection.seen()
    assert seen.index(b'"begun"') < seen.index(b'"ordinary"')
    assert connection.ordinary == [b"two", b"three"]
    await connection.send(post(b"four"))
    assert [body for _, body, _ in connection.ports.begun] == [b"one", b"four"]


@pytest.mark.parametrize(
    "request_", [post(b"x", version=b"1.0"), post(b"x", b"connection: close")], ids=["1.0", "close"]
)
async def test_a_connection_ends_after_the_answer_where_the_client_wants_that(
    connection: Connection, request_: bytes
) -> None:
    await connection.send(request_)
    connection.ports.begun[0][2](Reply(202))
    assert b"connection: close" in await connection.seen()
    assert connection.peer.closed


async def test_a_client_that_left_gets_no_answer(connection: Connection) -> None:
    await connection.send(post())
    connection.protocol.connection_lost(None)
    connection.ports.begun[0][2](Reply(202))
    assert await connection.seen() == b""


async def test_a_server_that_stops_answers_first_and_hangs_up_then(connection: Connection) -> None:
    await connection.send(post())
    connection.protocol.shutdown()
    assert not connection.peer.closed
    connection.ports.begun[0][2](Reply(202))
    assert b"HTTP/1.1 202 " in await connection.seen()
    assert connection.peer.closed


async def test_an_answer_that_never_comes_holds_up_nobody_else(connection: Connection) -> None:
    other = await Connection().open()
    await connection.send(post())
    await asyncio.sleep(0)
    assert (await other.send(post(b"slow"))).endswith(b'"ordinary"')


def test_ports_that_begin_nothing_make_no_difference() -> None:
    service: Service[None] = Service("example", _never, _no_ports)
    assert service.begins(b"POST", b"/x") is None
    assert not service.begin([], b"", b"", "", _ignore)


async def _never(_request: Request, _ports: None) -> Reply:
    raise AssertionError


def _no_ports() -> Any:
    raise AssertionError


_ignore: Callable[[Reply], None] = lambda _reply: None  # noqa: E731 (nobody is answered)

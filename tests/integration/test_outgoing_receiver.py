"""The outgoing client against a receiver on this machine, and names that point where they should not."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from shared.outgoing import MOST_ANSWER_BYTES, Outgoing, OutgoingFailedError, OutgoingRefusedError
from tests.integration.notifying import LOOPBACK, Receiver


class Names(AbstractResolver):
    """DNS that gives the next answer at each question."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        address = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


async def posted(receiver: Receiver, outgoing: Outgoing, url: str = "") -> object:
    try:
        return await outgoing.post(url or receiver.url, b"{}", {"content-type": "application/json"})
    finally:
        await outgoing.close()


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["::1"], ["10.0.0.1"], ["169.254.169.254"], ["::ffff:127.0.0.1"]])
async def test_a_name_that_points_inside_is_not_followed(receiver: Receiver, answers: Sequence[str]) -> None:
    url = receiver.url.replace("127.0.0.1", "rebinding.example")
    with pytest.raises(OutgoingRefusedError, match="SLUICE_OUTGOING_ALLOW"):
        await posted(receiver, Outgoing(resolver=Names(*answers)), url)
    assert receiver.got == []


async def test_a_name_that_changes_after_it_was_checked_is_not_followed(receiver: Receiver) -> None:
    """The name was fine at each earlier look; what counts is where the connection goes."""
    names = Names("93.184.216.34", "127.0.0.1")
    outgoing = Outgoing(resolver=names, seconds=2.0)
    await names.resolve("rebinding.example")
    url = receiver.url.replace("127.0.0.1", "rebinding.example")
    with pytest.raises(OutgoingRefusedError):
        await posted(receiver, outgoing, url)
    assert receiver.got == []


async def test_a_host_the_operator_named_is_reached_wherever_it_is(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "hooks.internal")
    await posted(receiver, Outgoing("hooks.internal", resolver=Names("127.0.0.1")), url)
    assert [got.headers["host"].partition(":")[0] for got in receiver.got] == ["hooks.internal"]


async def test_a_redirect_is_an_answer(receiver: Receiver) -> None:
    async def elsewhere(request: web.Request, body: bytes) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    receiver.answers = elsewhere
    answer = await posted(receiver, Outgoing(LOOPBACK))
    assert (answer.status, answer.location) == (307, "/elsewhere")  # type: ignore[attr-defined]  # an Answer
    assert len(receiver.got) == 1


async def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    async def endless(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1_000):
            await response.write(b"x" * 65_536)
        return response

    receiver.answers = endless
    answer = await posted(receiver, Outgoing(LOOPBACK))
    assert answer.body == b"x" * MOST_ANSWER_BYTES  # type: ignore[attr-defined]  # an Answer


async def test_an_answer_that_drips_is_given_up(receiver: Receiver) -> None:
    async def dripping(request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"x")
            await asyncio.sleep(0.05)
        return response

    receiver.answers = dripping
    with pytest.raises(OutgoingFailedError, match="no answer within"):
        await posted(receiver, Outgoing(LOOPBACK, seconds=0.5))


async def test_what_is_no_http_is_a_failure() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outgoing = Outgoing(LOOPBACK)
    with pytest.raises(OutgoingFailedError):
        await outgoing.post(f"http://127.0.0.1:{port}/", b"", {})
    with pytest.raises(OutgoingFailedError):
        await outgoing.post(f"https://127.0.0.1:{port}/", b"", {})
    await outgoing.close()
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://localhost:8080/", "http://[::1]/", "http://10.1.2.3/"])
async def test_an_address_inside_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(OutgoingRefusedError):
        await Outgoing().check(url)


async def test_a_name_nobody_knows_yet_may_be_known_later() -> None:
    await Outgoing().check("https://not-there-yet.invalid/hook")

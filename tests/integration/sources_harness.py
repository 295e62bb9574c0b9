"""The sources against a real Valkey and a real HTTP server whose answers a test chooses."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiohttp import web

from shared.bus import Bus, Message, open_bus
from shared.local.delivery import RetryPolicy
from shared.local.sources import Sources
from shared.wiring import Cron, Function, Scale, Topic, Wiring

QUICK = RetryPolicy(retry=6, backoff=0.02, longest=0.1, timeout=5)
EVENTS = "dev.sluice.test.happened.v1"

Respond = Callable[[web.Request, bytes], Awaitable[web.Response]]


def function(name: str, **triggers: Any) -> Function:
    return Function(
        name=name,
        duty="stands in a test",
        scale=Scale(0, 1),
        concurrency=1,
        memory="1Mi",
        timeout=1,
        visibility="cluster",
        process="work",
        **triggers,
    )


def reader(name: str = "batch_write", topic: str = "events") -> Wiring:
    """A table of one function that reads one topic."""
    return Wiring([function(name, topics=[Topic(topic, [EVENTS])])])


def timer(schedule: str) -> Wiring:
    return Wiring([function("rollup", cron=[Cron(schedule, "dev.sluice.rollup.due.v1", {"hours": 2})])])


def event(number: int, data: bytes = b"{}", **attributes: str) -> Message:
    required = {"specversion": "1.0", "id": f"e{number}", "source": "/test", "type": EVENTS}
    return Message({**required, **attributes}, data)


class Work:
    """The HTTP server of the functions: answers in turn, the last one for ever; remembers what came."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Respond | int] = [200]
        self.at_once = 0
        self.most_at_once = 0
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ids(self) -> list[str]:
        return [headers["ce-id"] for _, headers, _ in self.seen]

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.seen.append((request.raw_path, {name.lower(): value for name, value in request.headers.items()}, body))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            respond = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if isinstance(respond, int):
                return web.Response(status=respond, text="as told")
            return await respond(request, body)  # type: ignore[arg-type]
        finally:
            self.at_once -= 1


def answering(status: int = 200, body: bytes = b"", after: float = 0, **headers: str) -> Respond:
    async def respond(_request: web.Request, _body: bytes) -> web.Response:
        await asyncio.sleep(after)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=named)

    return respond


@asynccontextmanager
async def sources(
    url: str, wiring: Wiring, work: Work, policy: RetryPolicy = QUICK
) -> AsyncIterator[httpx.AsyncClient]:
    """The sources between their start and their clean stop, and a client for their HTTP addresses."""
    app = Sources(wiring, open_bus(url), work.url, policy)
    stop: asyncio.Event = asyncio.Event()
    started: asyncio.Event = asyncio.Event()
    messages: Iterator[str] = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> dict[str, Any]:
        kind = next(messages)
        if kind == "lifespan.shutdown":
            await stop.wait()
        return {"type": kind}

    async def send(message: Any) -> None:
        if message["type"] == "lifespan.startup.complete":
            started.set()

    running = asyncio.create_task(app({"type": "lifespan"}, receive, send))
    await started.wait()
    try:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield client
    finally:
        stop.set()
        await running


async def eventually(check: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = 10) -> None:
    """Return when the check holds; fails the test when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        holds = check()
        if not isinstance(holds, bool):
            holds = await holds
        if holds:
            return
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.01)


async def settled(bus: Bus, group: str = "batch-write", topic: str = "events") -> None:
    """Return when the group has acknowledged everything."""

    async def done() -> bool:
        return await bus.lag(topic, group) == 0

    await eventually(done)


async def dead_letters(bus: Bus) -> list[Message]:
    """All dead letters; leaves them on the bus for the next look."""
    subscription = await bus.subscribe("dead-letter", "look")
    found = []
    while taken := await subscription.take(100, 0.05):
        found += taken
    await subscription.close()
    return [delivery.message for delivery in found]

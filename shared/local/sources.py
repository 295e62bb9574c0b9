"""The emulated sources of the embedded runtime: `python -m shared.local.sources`.

Reads the wiring table and stands in for Knative's KafkaSource, broker with Triggers, and PingSource.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from shared.bus import Bus, open_bus
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.config import BUS_URL, load, setting
from shared.function import LIVE, METRICS, READY, exposition
from shared.http import Receive, Reply, Request, Scope, Send, problem
from shared.local import ping_source
from shared.local.delivery import Deliverer, RetryPolicy
from shared.local.kafka_source import BROKER, Binding, Source, publish_reply, watch_lag
from shared.local.ports import LocalSettings
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.serve import serve
from shared.wiring import Function, Wiring, load_wiring

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger()

MAX_EVENT_BYTES = 1024 * 1024
_DRAIN_SECONDS = 10.0
_LAG_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class SourcesSettings(LocalSettings):
    bus_url: str = setting("SLUICE_BUS_URL", BUS_URL, secret=True)


def bindings(wiring: Wiring) -> list[tuple[Function, Binding]]:
    """Each function's groups: one a topic it reads, one on the broker for the types it consumes."""
    found = []
    for row in wiring.functions:
        found += [(row, Binding(topic.topic, row.service, frozenset(topic.types))) for topic in row.topics]
        if row.consumes:
            found.append((row, Binding(BROKER, row.service, frozenset(row.consumes))))
    return found


class Sources:
    """All sources of the table, and the broker's ingress, as one ASGI app."""

    def __init__(self, wiring: Wiring, bus: Bus, work_url: str, policy: RetryPolicy) -> None:
        self._wiring = wiring
        self._bus = bus
        self._work_url = work_url
        self._policy = policy
        self._sources: list[Source] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await self._answer(Request(scope, receive))).send(send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _answer(self, request: Request) -> Reply:
        try:
            if request.path in LIVE:
                return Reply(200, b'{"status":"alive"}')
            if request.path in READY:
                await self._bus.ping()
                return Reply(200, b'{"status":"ready"}')
            if request.path == METRICS:
                return exposition()
            if request.path == "/broker" and request.method == "POST":
                return await self._take_in(request)
        except Rejected as rejected:
            return problem(rejected.refusal, rejected.detail)
        except UnavailableError as error:
            return problem(Refusal.UNAVAILABLE, str(error))
        return problem(Refusal.NOT_FOUND, "here are /broker, /healthz, /readyz and /metrics")

    async def _take_in(self, request: Request) -> Reply:
        """The broker's ingress: an event is published durably before it is answered."""
        message = decode(request.headers, await request.body(MAX_EVENT_BYTES))
        await self._bus.publish(BROKER, [message])
        return Reply(202)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        import aiohttp

        await receive()
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        async with aiohttp.ClientSession(connector=connector) as session:
            self._start(session)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._stop()
        await self._bus.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _start(self, session: "aiohttp.ClientSession") -> None:
        log.info("emulation of Knative's KafkaSource, Trigger and PingSource; not the real ones")
        found = bindings(self._wiring)
        for row, binding in found:
            deliverer = self._deliverer(session, row)
            done = publish_reply(self._bus) if binding.topic == BROKER else None
            self._sources.append(Source(self._bus, binding, deliverer, done))
        coroutines = [source.run() for source in self._sources]
        coroutines += [
            ping_source.run(cron, row.service, self._deliverer(session, row), SYSTEM_CLOCK)
            for row in self._wiring.functions
            for cron in row.cron
        ]
        coroutines.append(watch_lag(self._bus, [binding for _, binding in found], _LAG_SECONDS))
        self._tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]

    def _deliverer(self, session: "aiohttp.ClientSession", row: Function) -> Deliverer:
        return Deliverer(session, self._bus, f"{self._work_url}/{row.service}/", self._policy, row.service)

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(source.drain(_DRAIN_SECONDS) for source in self._sources))


def main() -> None:
    settings = load(SourcesSettings)
    work_url = f"http://127.0.0.1:{settings.port_of('work')}"
    app = Sources(load_wiring(), open_bus(settings.bus_url), work_url, RetryPolicy())
    serve(
        app,
        host="127.0.0.1",
        port=settings.port_of("sources"),
        log_level=settings.log_level,
        process="sources",
    )


if __name__ == "__main__":
    main()

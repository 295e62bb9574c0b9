"""The emulated sources of the embedded runtime: `python -m shared.local.sources`.

Reads the wiring table and stands in for Knative's KafkaSource, its broker with Triggers, and PingSource.
"""

import asyncio
import signal
import sys
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

import structlog

from shared.bus import Bus, open_bus
from shared.clock import SYSTEM_CLOCK
from shared.config import BUS_URL, load, setting
from shared.dead_letters import BROKER
from shared.function import LIVE, METRICS, READY, exposition
from shared.http import ClientGoneError, Receive, Reply, Request, Scope, Send, from_this_machine, problem
from shared.local import ping_source
from shared.local.broker import publish_reply, take_in
from shared.local.delivery import Deliverer, RetryPolicy, open_session
from shared.local.kafka_source import Binding, Source, watch_lag
from shared.local.patience import Patience, Pauses
from shared.local.ports import LOOPBACK, LocalSettings, sink_of
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.serve import serve
from shared.wiring import Function, Wiring, load_wiring

if TYPE_CHECKING:
    import aiohttp

log = structlog.get_logger()

_INGRESS = "/broker"
_DRAIN_SECONDS = 10.0
_LAG_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class SourcesSettings(LocalSettings):
    bus_url: str = setting("SLUICE_BUS_URL", BUS_URL, secret=True)
    retries: int = setting(
        "SLUICE_SOURCE_RETRIES",
        "How often the emulated sources repeat a record, 0.5 s after the first try and twice as long each time, before"
        " it is a dead letter.",
        default=RetryPolicy.retry,
    )


def bindings(wiring: Wiring) -> list[tuple[Function, Binding]]:
    """Each function's groups: one a topic it reads, and one on the broker for its Triggers together."""
    found = []
    for row in wiring.functions:
        found += [(row, Binding(topic.topic, row.service, frozenset(topic.types))) for topic in row.topics]
        if row.consumes:
            found.append((row, Binding(BROKER, row.service, frozenset(row.consumes))))
    return found


class Sources:
    """All sources of the table, and the broker's ingress, as one ASGI app."""

    def __init__(self, wiring: Wiring, bus: Bus, work_url: str, policy: RetryPolicy, *, loopback: bool = True) -> None:
        self._wiring = wiring
        self._bus = bus
        self._work_url = work_url
        self._policy = policy
        self._loopback = loopback  # in a network of containers others name this port as they please
        self._pauses = Pauses()
        self._patience = Patience(self._pauses)
        self._sources: list[Source] = []
        self.failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await self._answer(Request(scope, receive))).send(send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)

    async def _answer(self, request: Request) -> Reply:
        try:
            if self._loopback and not from_this_machine(request.headers):
                return problem(Refusal.BAD_REQUEST, "this port answers only as 127.0.0.1 or localhost")
            if request.path in LIVE:
                return Reply(200, b'{"status":"alive"}')
            if request.path in READY:
                await self._bus.ping()
                return Reply(200, b'{"status":"ready"}')
            if request.path == METRICS:
                return exposition(request.headers.get("accept", ""))
            if request.path.rstrip("/") == _INGRESS:
                return await take_in(self._bus, request)
        except Rejected as rejected:
            return problem(rejected.refusal, rejected.detail)
        except UnavailableError as error:
            return problem(Refusal.UNAVAILABLE, str(error))
        except ClientGoneError:
            return problem(Refusal.BAD_REQUEST, "the body ended early")
        return problem(Refusal.NOT_FOUND, "here are /broker, /healthz, /readyz and /metrics")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        log.info(
            "this is an emulation of Knative's KafkaSource, Trigger and PingSource",
            posts_to=self._work_url,
            longest_wait_between_tries=self._policy.longest,
        )
        async with open_session() as session:
            running = asyncio.create_task(self._run(session))
            running.add_done_callback(self._ended)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._stop(running)
        await send({"type": "lifespan.shutdown.complete"})

    async def _run(self, session: "aiohttp.ClientSession") -> None:
        """Everything at once until cancelled; groups first, readers after (see Source.prepare)."""
        found = bindings(self._wiring)
        self._sources = [self._source(session, row, binding) for row, binding in found]
        async with asyncio.TaskGroup() as group:
            for row in self._wiring.functions:
                for cron in row.cron:
                    deliverer = self._deliverer(session, row)
                    group.create_task(ping_source.run(cron, row.service, deliverer, self._pauses, SYSTEM_CLOCK))
            await asyncio.gather(*(source.prepare() for source in self._sources))
            for source in self._sources:
                group.create_task(source.run())
            group.create_task(watch_lag(self._bus, [binding for _, binding in found], _LAG_SECONDS))

    def _source(self, session: "aiohttp.ClientSession", row: Function, binding: Binding) -> Source:
        finish = publish_reply(self._bus, self._patience) if binding.topic == BROKER else None
        return Source(self._bus, binding, self._deliverer(session, row), self._patience, finish)

    def _deliverer(self, session: "aiohttp.ClientSession", row: Function) -> Deliverer:
        url = sink_of(self._work_url, row.service)
        return Deliverer(session, url, row.service, policy=self._policy, pauses=self._pauses, clock=SYSTEM_CLOCK)

    def _ended(self, running: asyncio.Task[None]) -> None:
        """The sources never end by themselves: a bug ends the process, and whoever watches it starts it again."""
        if not running.cancelled() and not self._pauses.stopping:
            self.failed = True
            log.error("bug", exc_info=running.exception())
            signal.raise_signal(signal.SIGTERM)

    async def _stop(self, running: asyncio.Task[None]) -> None:
        """Take nothing more, let what is in flight finish, leave the rest for the next start."""
        self._pauses.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.gather(*(source.drain(_DRAIN_SECONDS) for source in self._sources))
        await self._bus.close()


def main() -> None:
    settings = load(SourcesSettings)
    app = Sources(
        load_wiring(),
        open_bus(settings.bus_url),
        settings.functions_url,
        RetryPolicy(retry=settings.retries),
        loopback=settings.host in LOOPBACK,
    )

    def end(_signal: int, _frame: FrameType | None) -> None:
        sys.exit(1 if app.failed else 0)

    signal.signal(signal.SIGTERM, end)  # the server drains, then raises the signal again
    serve(
        app,
        host=settings.host,
        port=settings.port_of("sources"),
        log_level=settings.log_level,
        process="sources",
    )


if __name__ == "__main__":
    main()

"""What is done to the system under load, one step after another; each returns how long it took to work again."""

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx

from shared.bus import BusUnavailableError, Message
from shared.events import EVENTS_TOPIC
from tests.chaos.clients import HOURS, Told, fact_of, goes_on
from tests.chaos.plans import POINTS, Step
from tests.chaos.product import BACK_SECONDS, ChaosError, Product
from tests.e2e.running import Project
from tests.load.pool import make_event

WATCHER = "chaos"
REDELIVERIES = 3
COPIES = 8
STORM_REQUESTS = 20
_SENDERS = 16
_CLOCK_SECONDS = 2.0
_AT_ONCE = 50


class Breaker:
    """Does the steps of a round to a product under the load of `told`."""

    def __init__(self, product: Product, told: Sequence[Told], keyed: Project, dice: random.Random) -> None:
        self._product = product
        self._told = told
        self._keyed = keyed
        self._dice = dice
        self.keys = 0
        """How many events the project `keyed` got that have an Idempotency-Key alone, each many times at once."""

    def do(self, step: Step) -> float:
        """Seconds from the fault's begin until a new event is acknowledged and stored and every client goes on."""
        if step.what not in POINTS:
            started = time.monotonic()
            self._faults[step.what](step)
        elif POINTS[step.what][0] == step.victim:
            started = self._product.kill_there(step.what)
        else:
            started = self._product.kill_meanwhile(step.what, step.victim)
        return self._recovered() - started

    def known_event(self, told: Told, *, event: str = "") -> dict[str, object]:
        """An event with an id, noted as one that will be acknowledged."""
        moment = datetime.now(tz=UTC) - timedelta(seconds=self._dice.randrange(HOURS * 3_600))
        made = {"id": str(uuid.UUID(int=self._dice.getrandbits(128), version=4)), **make_event(self._dice, moment)}
        if event:
            made["event"] = event
        told.acked[str(made["id"])] = fact_of(made)
        return made

    @property
    def _faults(self) -> dict[str, Callable[[Step], None]]:
        return {
            "kill": self._kill,
            "pause": self._pause,
            "clock": self._clock,
            "cache_wiped": self._wipe_cache,
            "redelivery_storm": self._redeliver,
            "retry_storm": self._retry,
        }

    def _recovered(self) -> float:
        """When a new event was acknowledged and stored and every client goes on."""
        self._product.probe(self._told[0].project, self.known_event(self._told[0]))
        goes_on(self._told)
        return time.monotonic()

    def _kill(self, step: Step) -> None:
        time.sleep(step.amount)
        self._product.kill(step.victim)

    def _pause(self, step: Step) -> None:
        with self._product.instance.paused(step.victim):
            time.sleep(step.amount)

    def _clock(self, step: Step) -> None:
        with self._product.clock_moved(step.amount):
            self._product.probe(self._told[0].project, self.known_event(self._told[0]))
            time.sleep(_CLOCK_SECONDS)

    def _wipe_cache(self, _: Step) -> None:
        """Everything the cache holds; the bus lives in the same Valkey, its streams are no cache."""
        asyncio.run(_forget_all_but_streams(self._product.instance.env["SLUICE_CACHE_URL"]))

    def _redeliver(self, _: Step) -> None:
        """Every record of the round so far goes to the bus again, several times, as it was."""
        deliveries = self._product.instance.read(EVENTS_TOPIC, WATCHER)
        messages = [delivery.message for delivery in deliveries]
        for _repeat in range(REDELIVERIES):
            for at in range(0, len(messages), _AT_ONCE):
                self._publish(messages[at : at + _AT_ONCE])

    def _publish(self, messages: Sequence[Message]) -> None:
        while True:
            with contextlib.suppress(BusUnavailableError):
                self._product.instance.publish(EVENTS_TOPIC, messages)
                return
            time.sleep(0.1)

    def _retry(self, _: Step) -> None:
        """Many copies of a request at once: with an event id, and with an Idempotency-Key and no time."""
        told = self._told[0]
        events = [self.known_event(told) for _ in range(STORM_REQUESTS)]
        keys = [str(uuid.UUID(int=self._dice.getrandbits(128))) for _ in range(STORM_REQUESTS)]
        copies: list[tuple[Project, dict[str, object], str]] = []
        for event, key in zip(events, keys, strict=True):
            copies += [(told.project, event, "")] * COPIES
            copies += [(self._keyed, {"event": "keyed", "user_id": key}, key)] * COPIES
        with ThreadPoolExecutor(_SENDERS) as threads:
            for _done in threads.map(lambda copy: self._until_accepted(*copy), copies):
                pass
        self.keys += len(keys)

    def _until_accepted(self, project: Project, event: dict[str, object], key: str) -> None:
        headers = {"X-API-Key": project.write_key, **({"Idempotency-Key": key} if key else {})}
        deadline = time.monotonic() + BACK_SECONDS
        answer = "nobody answers"
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                reply = self._product.instance.http.post("/api/v1/events", json=event, headers=headers)
                if reply.status_code == httpx.codes.ACCEPTED:
                    return
                answer = f"{reply.status_code} {reply.text[:300]}"
            time.sleep(0.1)
        raise ChaosError(f"a copy of a request is not accepted: {answer}")


async def _forget_all_but_streams(url: str) -> None:
    from redis.asyncio import Redis

    async with Redis.from_url(url) as redis:
        async for key in redis.scan_iter(count=1_000):
            if await redis.type(key) != b"stream":
                await redis.delete(key)

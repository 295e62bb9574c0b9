"""Whether the warehouse is complete: known, waited for a little, or said to be behind."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.bus import Message
from shared.bus.memory import MemoryBus
from shared.clock import FixedClock, to_micros
from shared.dead_letters import DEAD_LETTERS
from shared.events import ACCEPTED, EVENTS_TOPIC
from shared.freshness import BehindError, Freshness
from shared.warehouse.client import Answer, WarehouseUnavailableError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Store:
    """A warehouse that says until when it has stored."""

    def __init__(self) -> None:
        self.stored: datetime | None = datetime(1970, 1, 1)  # noqa: DTZ001 (as the client gives it)
        self.asked = 0

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer:
        del sql, parameters
        self.asked += 1
        if self.stored is None:
            raise WarehouseUnavailableError("away")
        return Answer(("stored",), [(self.stored,)], 0)


class Here:
    def __init__(self) -> None:
        self.bus, self.store, self.clock = MemoryBus(), Store(), FixedClock(to_micros(NOW))
        self.pauses = 0
        self.freshness = Freshness(self.bus, self.store, lambda: self.bus, self.clock, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.pauses += 1
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    async def publish(self, topic: str = EVENTS_TOPIC, **more: str) -> None:
        attributes = {"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/s", "type": ACCEPTED, **more}
        await self.bus.publish(topic, [Message(attributes, b"{}")])

    async def done(self) -> None:
        subscription = await self.bus.subscribe(EVENTS_TOPIC, "batch-write")
        taken = await subscription.take(100, 0)
        await subscription.ack([one.position for one in taken])
        await subscription.close()


async def test_without_a_record_waiting_it_is_complete_and_nobody_is_asked_twice() -> None:
    at = Here()
    await at.publish()
    await at.done()
    await at.freshness.wait(NOW)
    await at.publish()
    await at.freshness.wait(NOW - timedelta(minutes=1))
    assert (at.pauses, at.store.asked) == (0, 0)


async def test_a_record_on_its_way_is_waited_for() -> None:
    at = Here()
    await at.publish()
    waiting = asyncio.create_task(at.freshness.wait(NOW))
    for _ in range(5):
        await asyncio.sleep(0)
    assert at.pauses > 1
    assert not waiting.done()
    await at.done()
    await waiting


async def test_under_load_it_is_enough_that_what_is_stored_is_newer() -> None:
    at = Here()
    await at.publish()
    at.store.stored = datetime(2026, 3, 1, 12, 0, 1)  # noqa: DTZ001 (as the client gives it)
    await at.freshness.wait(NOW)
    assert at.pauses == 0
    with pytest.raises(BehindError):
        await at.freshness.wait(NOW + timedelta(seconds=2))


async def test_a_writer_that_lags_is_said_to_and_not_waited_for_by_everybody() -> None:
    at = Here()
    await at.publish()
    with pytest.raises(BehindError, match="batch_write has come to 1970"):
        await at.freshness.wait(NOW)
    paused = at.pauses
    with pytest.raises(BehindError):
        await at.freshness.wait(NOW)
    assert at.pauses == paused
    await at.done()
    at.clock.advance(6)
    await at.freshness.wait(NOW)


async def test_events_that_wait_among_the_dead_letters_are_missing_too() -> None:
    at = Here()
    dead = {"knativeerrordest": "http://batch-write.default.svc.cluster.local/", "knativeerrorcode": "503"}
    await at.publish(DEAD_LETTERS, **dead)
    with pytest.raises(BehindError, match="sent to batch_write again"):
        await at.freshness.wait(NOW)


async def test_dead_letters_of_others_are_nobodys_lag() -> None:
    at = Here()
    dead = {"knativeerrordest": "http://live.default.svc.cluster.local/", "knativeerrorcode": "503"}
    await at.publish(DEAD_LETTERS, **dead)
    await at.freshness.wait(NOW)


async def test_a_warehouse_that_is_away_is_no_answer() -> None:
    at = Here()
    await at.publish()
    at.store.stored = None
    with pytest.raises(WarehouseUnavailableError):
        await at.freshness.wait(NOW)

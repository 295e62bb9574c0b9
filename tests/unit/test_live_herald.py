"""live tells that events arrived: of projects with rules that wait for it, once a second, and never in the way."""

import uuid
from collections.abc import Mapping
from typing import Any

from functions.live.heralds import APART_SECONDS, KNOWN_SECONDS, Herald
from shared.arrivals import ARRIVED, project_of
from shared.bus import BusUnavailableError
from shared.bus.memory import MemoryBus
from shared.catalog.client import CatalogUnavailableError
from shared.clock import FixedClock
from shared.events import CONTROL_TOPIC

WAITING, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


class Projects:
    """A catalog that knows which projects wait."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        assert (query, parameters) == ("projects_with_quick_alerts", None)
        self.asked += 1
        if self.away:
            raise CatalogUnavailableError("away")
        return [{"project_id": WAITING}]


async def told(bus: MemoryBus) -> list[uuid.UUID]:
    subscription = await bus.subscribe(CONTROL_TOPIC, "test")
    found = await subscription.take(10, 0)
    await subscription.ack([one.position for one in found])
    assert {one.message.attributes["type"] for one in found} <= {ARRIVED}
    return [project_of(one.message.attributes) for one in found]


async def test_only_those_who_wait_are_told_and_once_a_second() -> None:
    catalog, bus, clock = Projects(), MemoryBus(), FixedClock(0)
    herald = Herald(catalog, bus, clock)  # type: ignore[arg-type]  # what it asks of a catalog
    for project in (str(WAITING), str(OTHER), "x", "", str(WAITING)):
        await herald.arrived(project)
    assert await told(bus) == [WAITING]
    clock.advance(APART_SECONDS)
    await herald.arrived(str(WAITING))
    assert (await told(bus), catalog.asked) == ([WAITING], 1)
    clock.advance(KNOWN_SECONDS)
    await herald.arrived(str(OTHER))
    assert (await told(bus), catalog.asked) == ([], 2)


async def test_what_is_away_keeps_nobody_from_counting() -> None:
    catalog, bus, clock = Projects(), MemoryBus(), FixedClock(0)
    herald = Herald(catalog, bus, clock)  # type: ignore[arg-type]  # what it asks of a catalog
    catalog.away = True
    await herald.arrived(str(WAITING))
    catalog.away = False
    clock.advance(KNOWN_SECONDS)
    publish = bus.publish

    async def away(*_: object) -> None:
        raise BusUnavailableError("away")

    bus.publish = away  # type: ignore[method-assign,assignment]  # the bus breaks
    await herald.arrived(str(WAITING))
    bus.publish = publish  # type: ignore[method-assign]  # and is back
    assert await told(bus) == []
    clock.advance(APART_SECONDS)
    await herald.arrived(str(WAITING))
    assert await told(bus) == [WAITING]

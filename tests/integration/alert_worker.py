"""One evaluator of alert rules as a process of its own, which dies at a named place of its first tick.

`python -m tests.integration.alert_worker CATALOG WAREHOUSE NOW PLACE`: NOW is its clock (µs), PLACE a query of the
catalog that has happened, or `publish`, when it kills itself. What it publishes becomes rows of the table `published`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from functions.alert_evaluate.logic import TIMER, Evaluator
from functions.alert_evaluate.store import Alerts
from shared.bus import Message
from shared.catalog.client import Catalog, Row
from shared.clock import FixedClock
from shared.freshness import Freshness
from shared.timers import Timers
from shared.warehouse.client import Warehouse
from tests.integration.timed_worker import TableBus

LEASE_SECONDS = 0.5


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying(Catalog):
    """A catalog whose user is gone once a query has happened."""

    def __init__(self, url: str, place: str) -> None:
        super().__init__(url)
        self._place = place

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        found = await super().rows(query, parameters)
        if query == self._place:
            _die()
        return found


class DyingBus(TableBus):
    """A bus whose user is gone once it has published."""

    def __init__(self, url: str, place: str) -> None:
        super().__init__(url)
        self._place = place

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Any]:
        found = await super().publish(topic, messages)
        if self._place == "publish":
            _die()
        return found


def evaluator(catalog: Catalog, bus: Any, warehouse: Warehouse, clock: FixedClock) -> Evaluator:
    """An evaluator whose leases end soon."""
    timers = Timers(catalog, TIMER, clock, catch_up=10, at_once=1_000, lease_seconds=LEASE_SECONDS)
    freshness = Freshness(bus, warehouse, lambda: bus, clock)
    alerts = Alerts(catalog, timers, 10)
    return Evaluator(alerts=alerts, timers=timers, warehouse=warehouse, freshness=freshness, bus=bus, clock=clock)


async def main(catalog_url: str, warehouse_url: str, now: str, place: str) -> None:
    """One tick, if it lives so long."""
    catalog, bus = Dying(catalog_url, place), DyingBus(catalog_url, place)
    await evaluator(catalog, bus, Warehouse(warehouse_url), FixedClock(int(now))).tick()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""One scheduler of alert rules and reports as a process of its own, to be killed.

`python -m tests.integration.timed_worker CATALOG WAREHOUSE START SPEED BEGAN`: its clock shows START (µs) when the
machine's shows BEGAN (µs), and runs SPEED times as fast. What it publishes becomes rows of the table `published`.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from functions.alert_evaluate.logic import TIMER, Evaluator
from functions.alert_evaluate.store import Alerts
from functions.report_run.files import Files
from functions.report_run.logic import TIMER as REPORT_TIMER
from functions.report_run.logic import Runner
from functions.report_run.making import Maker
from functions.report_run.store import Reports
from shared.bus import Message
from shared.catalog.client import Catalog
from shared.freshness import Freshness
from shared.objects.memory import MemoryObjects
from shared.refusals import UnavailableError
from shared.saved_queries import Asking
from shared.timers import Timers
from shared.warehouse.client import Warehouse
from tests.integration.timed import NotDrawn


class FastClock:
    """A clock that runs faster than the machine's."""

    def __init__(self, start: int, speed: float, began: int) -> None:
        self._start, self._speed, self._began = start, speed, began

    def micros(self) -> int:
        return self._start + round((time.time_ns() // 1_000 - self._began) * self._speed)

    def monotonic(self) -> float:
        return time.monotonic()


class TableBus:
    """Publishes into a table, each message as often as it is published, and lags never."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Any]:
        del topic
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            for one in messages:
                values = [one.attributes["id"], one.attributes["type"], one.data.decode()]
                await connection.execute("INSERT INTO published (id, type, data) VALUES (%s, %s, %s)", values)
                await asyncio.sleep(0.002)
        return []

    async def lag(self, topic: str, group: str) -> int:
        del topic, group
        return 0


async def main(arguments: list[str]) -> None:
    """Tick until killed."""
    catalog_url, warehouse_url, start, speed, began = arguments
    clock = FastClock(int(start), float(speed), int(began))
    catalog, warehouse, bus = Catalog(catalog_url), Warehouse(warehouse_url), TableBus(catalog_url)
    ports: Any = {
        "warehouse": warehouse,
        "freshness": Freshness(bus, warehouse, lambda: bus, clock),  # type: ignore[arg-type]  # what it asks of a bus
        "bus": bus,
        "clock": clock,
    }
    options: dict[str, Any] = {"catch_up": 10_000, "lease_seconds": 1.0}
    minutes, quarters = Timers(catalog, TIMER, clock, **options), Timers(catalog, REPORT_TIMER, clock, **options)
    evaluator = Evaluator(alerts=Alerts(catalog, minutes, 10), timers=minutes, **ports)
    runner = Runner(
        reports=Reports(catalog, quarters, 10),
        timers=quarters,
        maker=Maker(catalog, ports.pop("warehouse"), Asking("http://nobody.invalid")),
        drawer=NotDrawn(),
        files=Files(MemoryObjects(), ThreadPoolExecutor(1)),
        **ports,
    )
    while True:
        for tick in (evaluator.tick, runner.tick):
            try:
                await tick()
            except UnavailableError:
                continue
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

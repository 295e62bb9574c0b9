"""Alert rules and reports as the product runs them, on a clock of the test's own: catalog and warehouse are real."""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from functions.alert_evaluate.logic import CATCH_UP, TIMER, Evaluator
from functions.alert_evaluate.rules import Rule
from functions.alert_evaluate.store import Alert, Alerts
from functions.report_run.asked import ReportRequest
from functions.report_run.files import Drawer, Files
from functions.report_run.logic import TIMER as REPORT_TIMER
from functions.report_run.logic import Runner
from functions.report_run.making import Maker
from functions.report_run.results import Format, ReportResult
from functions.report_run.store import Report, Reports
from shared.bus import Bus
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.clock import FixedClock, to_micros
from shared.events import CONTROL_TOPIC
from shared.freshness import Freshness
from shared.objects.memory import MemoryObjects
from shared.query.request import from_json
from shared.saved_queries import Asking
from shared.timers import Timers
from tests.integration.exporting import make_project
from tests.integration.reading import NOW, Stored

MINUTE = timedelta(minutes=1)


class NotDrawn(Drawer):
    """Draws nothing: most tests look at numbers, and a drawing is a process of seconds."""

    def __init__(self) -> None:
        super().__init__(Path())
        self.drawn = 0

    async def draw(self, result: ReportResult, formats: list[Format], *, charts: bool = False) -> dict[str, bytes]:
        del result, charts
        self.drawn += 1
        return {f"report.{one}": one.encode() for one in formats}


class Timed:
    """The rules and reports of one project, and whoever looks after them."""

    def __init__(self, engine: Stored, catalog: Catalog, project: uuid.UUID, now: datetime) -> None:
        self.project = project
        self.catalog = catalog
        self.clock = FixedClock(to_micros(now))
        self.bus: Bus = MemoryBus()
        self.warehouse: Any = engine.warehouse
        self.objects = MemoryObjects()
        self.drawer: Drawer = NotDrawn()
        self.asking = Asking("http://nobody.invalid")
        self.evaluator, self.alerts = self.another_evaluator()
        self.runner, self.reports = self.another_runner()

    def another_evaluator(self, **options: Any) -> tuple[Evaluator, Alerts]:
        more = {name: options.pop(name) for name in ("cache", "guarded") if name in options}
        timers = Timers(self.catalog, TIMER, self.clock, catch_up=options.pop("catch_up", CATCH_UP), **options)
        alerts = Alerts(self.catalog, timers, 10)
        return Evaluator(alerts=alerts, timers=timers, sleep=_no_sleep, **self._ports(), **more), alerts

    def another_runner(self, **options: Any) -> tuple[Runner, Reports]:
        timers = Timers(self.catalog, REPORT_TIMER, self.clock, catch_up=options.pop("catch_up", 3), **options)
        reports = Reports(self.catalog, timers, 3)
        ports = self._ports()
        maker = Maker(self.catalog, ports.pop("warehouse"), self.asking)
        files = Files(self.objects, ThreadPoolExecutor(1))
        runner = Runner(
            reports=reports, timers=timers, maker=maker, drawer=self.drawer, files=files, keep_days=365, **ports
        )
        return runner, reports

    def _ports(self) -> dict[str, Any]:
        bus: Any = self.bus
        freshness = Freshness(bus, self.warehouse, lambda: bus, self.clock, sleep=_no_sleep)
        return {"warehouse": self.warehouse, "freshness": freshness, "bus": bus, "clock": self.clock}

    async def rule(self, **more: Any) -> Alert:
        given = {"name": "n", "query": {"events": ["e"]}, "window": "5m", "condition": {"type": "absence"}, **more}
        rule = from_json(msgspec.json.encode(given), Rule).checked()
        async with self.catalog.transaction() as transaction:
            return await self.alerts.within(transaction).create(self.project, rule)

    async def report(self, **more: Any) -> Report:
        asked = from_json(msgspec.json.encode({"name": "r", "emails": ["a@b.example"], **more}), ReportRequest)
        async with self.catalog.transaction() as transaction:
            return await self.reports.within(transaction).create(self.project, asked.checked())

    async def state(self, alert: Alert) -> str:
        found = await self.alerts.find(alert.id)
        assert found is not None
        return found.standing.shown

    async def minutes(self, count: int) -> None:
        """So many ticks, one a minute."""
        for _ in range(count):
            self.clock.advance(60)
            await self.evaluator.tick()

    async def published(self) -> list[tuple[str, Any]]:
        """What was published since the last call: type and data."""
        subscription = await self.bus.subscribe(CONTROL_TOPIC, "test")
        found = await subscription.take(1_000, 0)
        await subscription.ack([one.position for one in found])
        await subscription.close()
        return [(one.message.attributes["type"], json.loads(one.message.data)) for one in found]


async def _no_sleep(seconds: float) -> None:
    del seconds


@contextlib.asynccontextmanager
async def timed(engine: Stored, catalog_url: str, now: datetime = NOW) -> AsyncIterator[Timed]:
    """A new project at that time."""
    project = uuid.uuid4()
    make_project(catalog_url, project)
    catalog = Catalog(catalog_url)
    yield Timed(engine, catalog, project, now)
    await catalog.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)

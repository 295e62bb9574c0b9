"""What report_run works with: reports and timers in the catalog, the warehouse, the bus, the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.report_run.logic import AT_ONCE, CATCH_UP, TIMER, Runner
from functions.report_run.store import Reports
from shared.addresses import TrustedProxies
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import load, setting
from shared.security.access import Access
from shared.timers.asking import TimedSettings, open_asking


@dataclass(frozen=True, kw_only=True)
class Settings(TimedSettings):
    most: int = setting("SLUICE_REPORTS_PER_PROJECT", "Reports of one project at most.", default=100)


@dataclass(frozen=True)
class Ports:
    access: Access
    reports: Reports
    runner: Runner
    catalog: Catalog
    proxies: TrustedProxies
    public_url: str

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    async with open_asking(settings, TIMER, catch_up=CATCH_UP, at_once=AT_ONCE) as asking:
        reports = Reports(asking.catalog, asking.timers, settings.most)
        runner = Runner(
            reports=reports,
            timers=asking.timers,
            warehouse=asking.warehouse,
            freshness=asking.freshness,
            bus=asking.bus,
            clock=SYSTEM_CLOCK,
            public_url=settings.public_url,
        )
        yield Ports(asking.access, reports, runner, asking.catalog, asking.proxies, settings.public_url)

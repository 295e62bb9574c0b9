"""What report_run works with: reports and timers in the catalog, the warehouse, the bus, the keys."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from functions.report_run.logic import AT_ONCE, CATCH_UP, TIMER, Runner
from functions.report_run.store import Reports
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import PUBLIC_URL, BusSettings, CatalogSettings, WarehouseSettings, load, setting
from shared.freshness import Freshness
from shared.security.access import Access, open_access
from shared.timers import Timers
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings):
    most: int = setting("SLUICE_REPORTS_PER_PROJECT", "Reports of one project at most.", default=100)
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")


@dataclass(frozen=True)
class Ports:
    access: Access
    reports: Reports
    runner: Runner
    catalog: Catalog
    public_url: str

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    async with AsyncExitStack() as stack:
        access = await stack.enter_async_context(open_access(settings.catalog_url))
        warehouse = Warehouse(settings.warehouse_url)
        stack.push_async_callback(warehouse.close)
        bus = LateBus(settings.bus_url)
        stack.push_async_callback(bus.close)
        catalog = Catalog(settings.catalog_url)
        stack.push_async_callback(catalog.close)

        timers = Timers(catalog, TIMER, SYSTEM_CLOCK, catch_up=CATCH_UP, at_once=AT_ONCE)
        reports = Reports(catalog, timers, settings.most)
        runner = Runner(
            reports=reports,
            timers=timers,
            warehouse=warehouse,
            freshness=Freshness(bus, warehouse, bus.inspection, SYSTEM_CLOCK),
            bus=bus,
            clock=SYSTEM_CLOCK,
            public_url=settings.public_url,
        )
        yield Ports(access, reports, runner, catalog, settings.public_url)

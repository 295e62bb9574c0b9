"""What rollup works with: the warehouse, projects' settings, and the bus it asks itself by to go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.rollup.generations import Pace
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.config import BusSettings, CatalogSettings, WarehouseSettings, load, setting
from shared.warehouse.client import READ_LIMITS, Warehouse

# A step reads a week of one project, and nobody waits for its answer.
_LIMITS = {**READ_LIMITS, "max_execution_time": 240, "max_bytes_before_external_group_by": 256 * 1024**2}
_SOCKET_SECONDS = 260


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings):
    quiet: float = setting(
        "SLUICE_ROLLUP_QUIET_SECONDS", "How long an hour must be unchanged to be rolled up.", default=30.0
    )
    waited: float = setting(
        "SLUICE_ROLLUP_WAIT_SECONDS", "After how long an hour that goes on changing is rolled up.", default=600.0
    )
    over: float = setting(
        "SLUICE_ROLLUP_OVER_SECONDS", "How long after its end an hour is rolled up at the earliest.", default=120.0
    )


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    bus: Bus
    pace: Pace
    one: asyncio.Lock

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=_SOCKET_SECONDS, read_limits=_LIMITS)
    catalog = Catalog(settings.catalog_url)
    bus = open_bus(settings.bus_url)
    yield Ports(warehouse, catalog, bus, Pace(settings.over, settings.quiet, settings.waited), asyncio.Lock())
    await bus.close()
    await catalog.close()
    await warehouse.close()

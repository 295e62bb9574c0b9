"""What ledger_check works with: the bus and its numbers, the warehouse, and the catalog that keeps what is proven."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.ledger_check.logic import LedgerCheck
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, WarehouseSettings, load
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings):
    pass


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    bus: LateBus
    access: Access
    check: LedgerCheck
    one: asyncio.Lock

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse, catalog, bus = (
        Warehouse(settings.warehouse_url),
        Catalog(settings.catalog_url),
        LateBus(settings.bus_url),
    )
    check = LedgerCheck(bus.inspection, warehouse, catalog, SYSTEM_CLOCK)
    async with open_access(settings.catalog_url) as access:
        yield Ports(warehouse, catalog, bus, access, check, asyncio.Lock())
    await bus.close()
    await catalog.close()
    await warehouse.close()

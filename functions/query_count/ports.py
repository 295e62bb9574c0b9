"""What query_count works with: the warehouse and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.config import CatalogSettings, WarehouseSettings, load
from shared.query.answers import Remembering
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings):
    pass


@dataclass(frozen=True)
class Ports:
    warehouse: Remembering
    access: Access

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Remembering(Warehouse(settings.warehouse_url))
    async with open_access(settings.catalog_url) as access:
        yield Ports(warehouse, access)
    await warehouse.close()

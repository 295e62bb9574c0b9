"""What live works with: the cache, the warehouse for what the cache has lost, and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.cache import Cache, open_cache
from shared.config import CacheSettings, CatalogSettings, WarehouseSettings, load
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(CacheSettings, WarehouseSettings, CatalogSettings):
    pass


@dataclass(frozen=True)
class Ports:
    cache: Cache
    warehouse: Warehouse
    access: Access

    async def ready(self) -> None:
        await self.cache.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    cache, warehouse = open_cache(settings.cache_url), Warehouse(settings.warehouse_url)
    async with open_access(settings.catalog_url) as access:
        yield Ports(cache, warehouse, access)
    await warehouse.close()
    await cache.close()

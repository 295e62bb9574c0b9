"""What live works with: the cache, the warehouse for what the cache has lost, and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import msgspec

from functions.live.heralds import Herald
from functions.live.stream import LONGEST_SECONDS
from functions.live.watching import Pace, Sources, Watches
from shared.bus.late import LateBus
from shared.cache import Cache, open_cache
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CacheSettings, CatalogSettings, WarehouseSettings, load, setting
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(CacheSettings, WarehouseSettings, CatalogSettings, BusSettings):
    stream_seconds: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_SECONDS)] = setting(
        "SLUICE_LIVE_STREAM_SECONDS",
        "After how many seconds a live stream closes; the platform ends a request after `timeout` seconds.",
        default=50,
    )
    streams: Annotated[int, msgspec.Meta(ge=1)] = setting(
        "SLUICE_LIVE_STREAMS", "How many live streams one process keeps open.", default=400
    )
    streams_of_project: Annotated[int, msgspec.Meta(ge=1)] = setting(
        "SLUICE_LIVE_STREAMS_OF_PROJECT", "How many of them may be of one project.", default=50
    )


@dataclass(frozen=True)
class Ports:
    cache: Cache
    warehouse: Warehouse
    access: Access
    watches: Watches
    herald: Herald
    stream_seconds: int

    async def ready(self) -> None:
        await self.cache.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    cache, warehouse = open_cache(settings.cache_url), Warehouse(settings.warehouse_url)
    catalog, bus = Catalog(settings.catalog_url), LateBus(settings.bus_url)
    async with open_access(settings.catalog_url) as access:
        watches = Watches(
            Sources(cache, warehouse, SYSTEM_CLOCK, Pace()),
            most=settings.streams,
            most_of_project=settings.streams_of_project,
        )
        herald = Herald(catalog, bus, SYSTEM_CLOCK)
        yield Ports(cache, warehouse, access, watches, herald, settings.stream_seconds)
    await bus.close()
    await catalog.close()
    await warehouse.close()
    await cache.close()

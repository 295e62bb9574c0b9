"""What replay works with: the warehouse, the catalog, its jobs, and ingest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.replay.ingesting import Ingest
from functions.replay.logic import KIND, Replayer
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import WORK_URL, BusSettings, CatalogSettings, WarehouseSettings, load, setting
from shared.jobs import Jobs, JobSettings
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import READ_LIMITS, SOCKET_SECONDS


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings, JobSettings):
    ingest_url: str = setting(
        "SLUICE_INGEST_URL",
        "Where replay finds the function ingest, where that is not with the others at SLUICE_WORK_URL.",
        default="",
    )
    work_url: str = setting("SLUICE_WORK_URL", WORK_URL, default="http://{service}:8080")
    slice_seconds: float = setting(
        "SLUICE_REPLAY_SLICE_SECONDS", "How long a replay works before it asks for its own next step.", default=12.0
    )
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    access: Access
    proxies: TrustedProxies
    jobs: Jobs
    replayer: Replayer
    clock: Clock
    busy: asyncio.Semaphore

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
    bus, catalog = open_bus(settings.bus_url), Catalog(settings.catalog_url)
    ingest = Ingest(settings.ingest_url or settings.work_url, catalog, SYSTEM_CLOCK)
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            warehouse=warehouse,
            catalog=catalog,
            access=access,
            proxies=TrustedProxies(settings.trusted_proxies),
            jobs=Jobs(catalog, bus, KIND, lease_seconds=settings.lease),
            replayer=Replayer(warehouse, ingest, SYSTEM_CLOCK, settings.slice_seconds),
            clock=SYSTEM_CLOCK,
            busy=asyncio.Semaphore(2),
        )
    await ingest.close()
    await warehouse.close()
    await catalog.close()
    await bus.close()

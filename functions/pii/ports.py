"""What pii works with: the warehouse, the catalog, its jobs, and threads of its own."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.pii.logic import KIND, Scanner
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, WarehouseSettings, load, setting
from shared.jobs import Jobs, JobSettings
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import READ_LIMITS, SOCKET_SECONDS


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings, JobSettings):
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    access: Access
    proxies: TrustedProxies
    jobs: Jobs
    scanner: Scanner
    busy: asyncio.Semaphore

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
    bus, catalog = open_bus(settings.bus_url), Catalog(settings.catalog_url)
    # A thread of its own: a scan lasts, and nobody else of the process must wait for one.
    threads = ThreadPoolExecutor(1, thread_name_prefix=KIND)
    jobs = Jobs(catalog, bus, KIND, lease_seconds=settings.lease)
    scanner = Scanner(warehouse, catalog, threads, SYSTEM_CLOCK)
    async with open_access(settings.catalog_url) as access:
        proxies = TrustedProxies(settings.trusted_proxies)
        yield Ports(warehouse, catalog, access, proxies, jobs, scanner, asyncio.Semaphore(1))
    threads.shutdown(wait=False, cancel_futures=True)
    await warehouse.close()
    await catalog.close()
    await bus.close()

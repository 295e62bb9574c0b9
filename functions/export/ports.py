"""What export works with: the warehouse, the jobs, the storages, and threads of its own."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.export.logic import KIND, Exporter, Limits
from functions.export.reading import READ_LIMITS
from functions.export.schedules import Schedules
from functions.export.telling import notify_of
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, ObjectsSettings, WarehouseSettings, load, setting
from shared.jobs import Jobs, JobSettings
from shared.objects.destinations import DESTINATIONS, Destinations
from shared.security.access import Access, open_access
from shared.warehouse.client import READ_LIMITS as PAGE_LIMITS
from shared.warehouse.client import Warehouse

_PAGE_BYTES = 128 * 1024 * 1024
_SOCKET_SECONDS = 320


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings, ObjectsSettings, JobSettings):
    destinations: str = setting(
        "SLUICE_EXPORT_DESTINATIONS",
        DESTINATIONS,
        default="{}",
        secret=True,
    )
    part_rows: int = setting("SLUICE_EXPORT_PART_ROWS", "Events in one file of an export at most.", default=200_000)
    slice_seconds: float = setting(
        "SLUICE_EXPORT_SLICE_SECONDS", "How long an export works before it asks for its own next step.", default=12.0
    )
    at_once: int = setting("SLUICE_EXPORTS_AT_ONCE", "Exports that one process works on at once.", default=2)
    keep_days: int = setting(
        "SLUICE_EXPORT_KEEP_DAYS", "After how many days the files of an export are removed; 0 means never.", default=30
    )
    link_seconds: int = setting("SLUICE_EXPORT_LINK_SECONDS", "How long the links to files hold.", default=3_600)
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    pages: Warehouse
    access: Access
    proxies: TrustedProxies
    catalog: Catalog
    jobs: Jobs
    schedules: Schedules
    exporter: Exporter
    storages: Destinations
    threads: Executor
    settings: Settings
    busy: asyncio.Semaphore

    async def ready(self) -> None:
        await self.pages.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    # Two clients: a library's session is not for two threads, and an export's limits are not a page's.
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=_SOCKET_SECONDS, read_limits=READ_LIMITS)
    limits = {**PAGE_LIMITS, "max_result_bytes": _PAGE_BYTES}
    pages = Warehouse(settings.warehouse_url, read_limits=limits)
    bus = open_bus(settings.bus_url)
    catalog = Catalog(settings.catalog_url)
    storages = Destinations(settings, settings.destinations)
    # Threads of its own: an export lasts, and nobody else of the process must wait for one.
    threads = ThreadPoolExecutor(settings.at_once + 1, thread_name_prefix=KIND)
    how = Limits(settings.part_rows, settings.slice_seconds)
    exporter = Exporter(warehouse, storages, threads, SYSTEM_CLOCK, how)
    jobs = Jobs(catalog, bus, KIND, lease_seconds=settings.lease, ended=lambda job: notify_of(job, exporter, bus))
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            warehouse=warehouse,
            pages=pages,
            access=access,
            proxies=TrustedProxies(settings.trusted_proxies),
            catalog=catalog,
            jobs=jobs,
            schedules=Schedules(catalog, jobs, SYSTEM_CLOCK),
            exporter=exporter,
            storages=storages,
            threads=threads,
            settings=settings,
            busy=asyncio.Semaphore(settings.at_once),
        )
    threads.shutdown(wait=False, cancel_futures=True)
    storages.close()
    await warehouse.close()
    await pages.close()
    await catalog.close()
    await bus.close()

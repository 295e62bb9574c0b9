"""What access_request works with: the warehouse, the catalog, the storage, its jobs, and threads of its own."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.access_request.logic import KIND, Archivist
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, ObjectsSettings, WarehouseSettings, load, setting
from shared.jobs import Jobs, JobSettings
from shared.objects import Objects, open_objects
from shared.security.access import Access, open_access
from shared.security.sealing import SecretSettings, sealer_of
from shared.subjects import Subjects
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import READ_LIMITS, SOCKET_SECONDS

_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings, ObjectsSettings, SecretSettings, JobSettings):
    keep_days: int = setting(
        "SLUICE_ACCESS_KEEP_DAYS", "After how many days the archive of an access request is removed.", default=14
    )
    link_seconds: int = setting("SLUICE_EXPORT_LINK_SECONDS", "How long the links to files hold.", default=3_600)
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    objects: Objects
    access: Access
    proxies: TrustedProxies
    subjects: Subjects
    jobs: Jobs
    archivist: Archivist
    settings: Settings
    busy: asyncio.Semaphore

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
    bus, catalog = open_bus(settings.bus_url), Catalog(settings.catalog_url)
    objects = open_objects(settings.objects, public_url=settings.public_url)
    subjects = Subjects(catalog, sealer_of(settings), KIND)
    threads = ThreadPoolExecutor(_AT_ONCE + 1, thread_name_prefix=KIND)
    archivist = Archivist(warehouse, catalog, objects, subjects, threads=threads, clock=SYSTEM_CLOCK)
    jobs = Jobs(catalog, bus, KIND, lease_seconds=settings.lease, ended=archivist.forget)
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            warehouse=warehouse,
            catalog=catalog,
            objects=objects,
            access=access,
            proxies=TrustedProxies(settings.trusted_proxies),
            subjects=subjects,
            jobs=jobs,
            archivist=archivist,
            settings=settings,
            busy=asyncio.Semaphore(_AT_ONCE),
        )
    threads.shutdown(wait=False, cancel_futures=True)
    objects.close()
    await warehouse.close()
    await catalog.close()
    await bus.close()

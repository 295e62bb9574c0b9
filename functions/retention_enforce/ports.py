"""What retention_enforce works with: the warehouse, the catalog, and the bus it tells of what it dropped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.retention_enforce.jobs import KIND, Enforcing
from functions.retention_enforce.logic import Limits, Retention
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, WarehouseSettings, load, setting
from shared.jobs import Jobs, JobSettings
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import READ_LIMITS, SOCKET_SECONDS


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings, JobSettings):
    dry_run: bool = setting(
        "SLUICE_RETENTION_DRY_RUN", "Only note what retention would drop, and drop nothing.", default=False
    )
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")
    partitions: int = setting(
        "SLUICE_RETENTION_PARTITIONS",
        "From how many partitions of a project, weeks by default, one run of retention drops.",
        default=8,
    )
    slice_seconds: float = setting(
        "SLUICE_RETENTION_SLICE_SECONDS",
        "How long an asked-for run of retention works before it asks for its own next step.",
        default=12.0,
    )


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    bus: Bus
    access: Access
    proxies: TrustedProxies
    retention: Retention
    jobs: Jobs
    enforcing: Enforcing
    busy: asyncio.Semaphore

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
    catalog = Catalog(settings.catalog_url)
    bus = open_bus(settings.bus_url)
    retention = Retention(warehouse, catalog, SYSTEM_CLOCK, Limits(settings.partitions, settings.dry_run))
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            warehouse=warehouse,
            catalog=catalog,
            bus=bus,
            access=access,
            proxies=TrustedProxies(settings.trusted_proxies),
            retention=retention,
            # What has gone does not come back: who changes their mind must do so before.
            jobs=Jobs(catalog, bus, KIND, lease_seconds=settings.lease, cancels={"queued"}),
            enforcing=Enforcing(retention, catalog, bus, SYSTEM_CLOCK, settings.slice_seconds),
            busy=asyncio.Semaphore(1),
        )
    await warehouse.close()
    await catalog.close()
    await bus.close()

"""What gdpr_delete works with: the warehouse, the catalog, storages, its jobs, a key, and threads of its own."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from functions.gdpr_delete.copies import ACCESS, EXPORT, Shelves
from functions.gdpr_delete.logic import KIND, Eraser, Limits, Tools
from functions.gdpr_delete.looking import Looking
from functions.gdpr_delete.watch import Watch
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, ObjectsSettings, WarehouseSettings, load, setting
from shared.jobs import Job, Jobs, JobSettings
from shared.notifications import Notification, notify
from shared.objects.destinations import DESTINATIONS, Destinations
from shared.security.access import Access, open_access
from shared.security.certificates import CertificateSigner
from shared.security.sealing import SecretSettings, sealer_of
from shared.subjects import Subjects
from shared.warehouse.client import Warehouse
from shared.warehouse.deletion import READ_LIMITS, SOCKET_SECONDS

_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, CatalogSettings, BusSettings, ObjectsSettings, SecretSettings, JobSettings):
    settle_seconds: float = setting(
        "SLUICE_ERASURE_SETTLE_SECONDS",
        "How long an erasure goes on looking for writes that were under way when it began: batch_write's timeout.",
        default=60.0,
    )
    disk_seconds: float = setting(
        "SLUICE_ERASURE_DISK_SECONDS",
        "How long an erasure waits for replaced parts to leave the disk; then its certificate says how many are left.",
        default=1_200.0,
    )
    destinations: str = setting("SLUICE_EXPORT_DESTINATIONS", DESTINATIONS, default="{}", secret=True)
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")
    slice_seconds: float = setting(
        "SLUICE_ERASURE_SLICE_SECONDS", "How long an erasure works before it asks for its own next step.", default=12.0
    )


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    catalog: Catalog
    access: Access
    proxies: TrustedProxies
    subjects: Subjects
    jobs: Jobs
    eraser: Eraser
    watch: Watch
    busy: asyncio.Semaphore

    async def ready(self) -> None:
        await self.warehouse.ping()


async def ended(job: Job, eraser: Eraser, bus: Bus) -> None:
    """Forget whom a finished job was about, and tell the webhooks that asked for it; harmless to repeat."""
    await eraser.forget(job)
    if job.state != "cancelled":
        notification = Notification(
            key=f"erasure:{job.id}:{job.state}",
            project_id=job.project_id,
            template="erasure_completed",
            values=msgspec.to_builtins(eraser.told(job)),
            subscribers="erasure.completed",
        )
        await notify(bus, notification)


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
    bus = open_bus(settings.bus_url)
    catalog = Catalog(settings.catalog_url)
    threads = ThreadPoolExecutor(_AT_ONCE + 1, thread_name_prefix=KIND)
    storages = Destinations(settings, settings.destinations)
    sealer = sealer_of(settings)
    subjects = Subjects(catalog, sealer, KIND)
    tools = Tools(
        warehouse=warehouse,
        catalog=catalog,
        subjects=subjects,
        shelves=Shelves(catalog, Jobs(catalog, bus, EXPORT), Jobs(catalog, bus, ACCESS), storages, threads),
        signer=CertificateSigner(catalog, sealer),
        looking=Looking(warehouse, threads),
        bus=settings,
        clock=SYSTEM_CLOCK,
    )
    eraser = Eraser(tools, Limits(settings.slice_seconds, settings.settle_seconds, settings.disk_seconds))
    # Once it has begun rows are gone: who changes their mind must do so before.
    jobs = Jobs(
        catalog,
        bus,
        KIND,
        lease_seconds=settings.lease,
        cancels={"queued"},
        ended=lambda job: ended(job, eraser, bus),
    )
    watch = Watch(warehouse, catalog, jobs, threads, SYSTEM_CLOCK, subjects=subjects)
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            warehouse=warehouse,
            catalog=catalog,
            access=access,
            proxies=TrustedProxies(settings.trusted_proxies),
            subjects=subjects,
            jobs=jobs,
            eraser=eraser,
            watch=watch,
            busy=asyncio.Semaphore(_AT_ONCE),
        )
    threads.shutdown(wait=False, cancel_futures=True)
    storages.close()
    await warehouse.close()
    await catalog.close()
    await bus.close()

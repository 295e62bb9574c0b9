"""The settings of copies, and what they are made with, opened for a function or a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from shared.backups import Seal
from shared.backups.making import Making, Source
from shared.backups.records import Records
from shared.backups.rows import READ_LIMITS, SOCKET_SECONDS
from shared.backups.storage import Storage
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import DATA, BusSettings, CatalogSettings, WarehouseSettings, public_settings, setting
from shared.jobs import LEASE_SECONDS
from shared.objects import open_objects
from shared.security.sealing import SEALING
from shared.warehouse.client import Warehouse

BACKUP_URL = (
    "Where copies go: s3://key:secret@bucket/prefix?endpoint=…&region=…, or file:///folder, best on another machine;"
    " empty means the folder `backups` in SLUICE_DATA, and no copies by the timer."
)


@dataclass(frozen=True, kw_only=True)
class StorageSettings:
    """Where copies are, and what they are sealed with."""

    backup_url: str = setting("SLUICE_BACKUP_URL", BACKUP_URL, default="", secret=True)
    data: Path = setting("SLUICE_DATA", DATA, default=Path(".sluice"))
    secret_key: str = setting("JWT_SECRET_KEY", SEALING, secret=True)

    @property
    def place(self) -> str:
        """The URL of the storage of copies."""
        return self.backup_url or (self.data.resolve() / "backups").as_uri()

    def storage(self) -> Storage:
        """The storage, opened; raises ConfigError."""
        return Storage(open_objects(self.place), Seal(self.secret_key))


@dataclass(frozen=True, kw_only=True)
class BackupSettings(StorageSettings, WarehouseSettings, CatalogSettings, BusSettings):
    """What making copies needs."""

    keep_days: int = setting(
        "SLUICE_BACKUP_KEEP_DAYS", "For how many days a copy is kept; the newest one always is.", default=30
    )

    lease: float = setting(
        "SLUICE_JOB_LEASE_SECONDS",
        "After how long another worker takes over the job of one that died.",
        default=LEASE_SECONDS,
    )

    def expires(self, now: datetime) -> datetime:
        """Until when a copy that is made now is kept."""
        return now + timedelta(days=self.keep_days)


@dataclass(frozen=True)
class Backups:
    """What copies are made with."""

    settings: BackupSettings
    storage: Storage
    warehouse: Warehouse
    catalog: Catalog
    bus: LateBus
    records: Records
    making: Making


@asynccontextmanager
async def open_backups(settings: BackupSettings) -> AsyncIterator[Backups]:
    """Open everything; it is closed after the block."""
    storage = settings.storage()
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=SOCKET_SECONDS, read_limits=READ_LIMITS)
    catalog, bus = Catalog(settings.catalog_url), LateBus(settings.bus_url)
    source = Source(warehouse, settings.catalog_url, bus.inspection, public_settings())
    making = Making(source, storage, SYSTEM_CLOCK)
    try:
        yield Backups(settings, storage, warehouse, catalog, bus, Records(catalog, settings.lease), making)
    finally:
        await bus.close()
        await catalog.close()
        await warehouse.close()
        storage.objects.close()

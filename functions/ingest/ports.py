"""What ingest works with: the bus, the keys, the group commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.ingest.commit import GroupCommit
from shared.bus import Bus, open_bus
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, load, setting
from shared.security.access import Access, open_access


@dataclass(frozen=True, kw_only=True)
class Settings(BusSettings, CatalogSettings):
    max_request: int = setting("SLUICE_MAX_REQUEST_BYTES", "Bytes of one ingest request.", default=10 * 1024 * 1024)
    max_waiting: int = setting("SLUICE_MAX_WAITING_BYTES", "Events that wait for the bus.", default=64 * 1024 * 1024)


@dataclass(frozen=True)
class Ports:
    bus: Bus
    access: Access
    committer: GroupCommit
    max_request: int

    async def ready(self) -> None:
        await self.bus.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    bus = open_bus(settings.bus_url)
    committer = GroupCommit(bus, SYSTEM_CLOCK, max_waiting=settings.max_waiting)
    async with open_access(settings.catalog_url) as access:
        yield Ports(bus, access, committer, settings.max_request)
    await committer.close()
    await bus.close()

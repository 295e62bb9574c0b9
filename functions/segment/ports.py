"""What segment works with: definitions and timers in the catalog, the guarded warehouse, the bus, the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.segment.changes import AT_ONCE, CATCH_UP, TIMER, Watcher
from functions.segment.store import Segments
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, load, setting
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings
from shared.query.ports import open_questions
from shared.security.access import Access, open_access
from shared.timers import Timers
from shared.warehouse.client import READ_LIMITS, Warehouse

# Nobody waits for the answer of a look.
_LIMITS = {**READ_LIMITS, "max_execution_time": 240, "max_bytes_before_external_group_by": 256 * 1024**2}
_SOCKET_SECONDS = 260


@dataclass(frozen=True, kw_only=True)
class Settings(QuerySettings, BusSettings):
    most: int = setting("SLUICE_SEGMENTS_PER_PROJECT", "Segments of one project at most.", default=500)
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    access: Access
    catalog: Catalog
    segments: Segments
    questions: Remembering
    warehouse: Warehouse
    watcher: Watcher
    proxies: TrustedProxies

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog, bus = Catalog(settings.catalog_url), LateBus(settings.bus_url)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=_SOCKET_SECONDS, read_limits=_LIMITS)
    timers = Timers(catalog, TIMER, SYSTEM_CLOCK, catch_up=CATCH_UP, at_once=AT_ONCE, lease_seconds=300.0)
    segments = Segments(catalog, timers, settings.most)
    async with open_questions(settings) as questions, open_access(settings.catalog_url) as access:
        yield Ports(
            access=access,
            catalog=catalog,
            segments=segments,
            questions=questions,
            warehouse=warehouse,
            watcher=Watcher(segments, timers, warehouse, bus, SYSTEM_CLOCK),
            proxies=TrustedProxies(settings.trusted_proxies),
        )
    await bus.close()
    await warehouse.close()
    await catalog.close()

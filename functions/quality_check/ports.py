"""What quality_check works with: the catalog, a guarded warehouse and one of its own, the bus, the keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.quality_check.logic import Check
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import PUBLIC_URL, BusSettings, load, setting
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings
from shared.query.ports import open_questions
from shared.security.access import Access, open_access
from shared.warehouse.client import READ_LIMITS, Warehouse

# Nobody waits for the answer of a look.
_LIMITS = {**READ_LIMITS, "max_execution_time": 240, "max_bytes_before_external_group_by": 256 * 1024**2}
_SOCKET_SECONDS = 260


@dataclass(frozen=True, kw_only=True)
class Settings(QuerySettings, BusSettings):
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    access: Access
    catalog: Catalog
    questions: Remembering
    check: Check
    proxies: TrustedProxies
    clock: Clock
    one: asyncio.Lock

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog, bus = Catalog(settings.catalog_url), LateBus(settings.bus_url)
    warehouse = Warehouse(settings.warehouse_url, timeout_seconds=_SOCKET_SECONDS, read_limits=_LIMITS)
    check = Check(warehouse, catalog, bus, SYSTEM_CLOCK, public_url=settings.public_url)
    async with open_questions(settings) as questions, open_access(settings.catalog_url) as access:
        proxies = TrustedProxies(settings.trusted_proxies)
        yield Ports(access, catalog, questions, check, proxies, SYSTEM_CLOCK, asyncio.Lock())
    await bus.close()
    await warehouse.close()
    await catalog.close()

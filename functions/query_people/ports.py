"""What query_people works with: the guarded warehouse, one to write merges to, the audit log, and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import load, setting
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings
from shared.query.ports import open_questions
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(QuerySettings):
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    warehouse: Remembering
    writes: Warehouse
    catalog: Catalog
    access: Access
    proxies: TrustedProxies
    clock: Clock = SYSTEM_CLOCK

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    proxies = TrustedProxies(settings.trusted_proxies)
    writes, catalog = Warehouse(settings.warehouse_url), Catalog(settings.catalog_url)
    async with open_questions(settings) as warehouse, open_access(settings.catalog_url) as access:
        yield Ports(warehouse, writes, catalog, access, proxies)
    await catalog.close()
    await writes.close()

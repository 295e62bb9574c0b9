"""What query_sessions works with: the warehouse, the keys, and how long a pause ends a project's session."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.catalog.client import Catalog
from shared.config import load, setting
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings
from shared.query.ports import open_questions
from shared.query.sessions import project_gap
from shared.security.access import Access, open_access


@dataclass(frozen=True, kw_only=True)
class Settings(QuerySettings):
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    warehouse: Remembering
    access: Access
    catalog: Catalog
    proxies: TrustedProxies

    async def ready(self) -> None:
        await self.warehouse.ping()

    async def gap(self, project_id: uuid.UUID) -> int:
        """The project's gap in seconds; raises CatalogUnavailableError."""
        return await project_gap(self.catalog, project_id)


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog = Catalog(settings.catalog_url)
    async with open_questions(settings) as warehouse, open_access(settings.catalog_url) as access:
        yield Ports(warehouse, access, catalog, TrustedProxies(settings.trusted_proxies))
    await catalog.close()

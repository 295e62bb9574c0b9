"""What every function that answers questions works with: the guarded warehouse, which remembers, and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.catalog.client import Catalog
from shared.config import load
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings as Settings
from shared.query.guard import open_guard
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse

__all__ = ["Ports", "Settings", "open_questions", "opens"]


@dataclass(frozen=True)
class Ports:
    """What a function needs that does nothing but answer questions."""

    warehouse: Remembering
    access: Access

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    """The Ports by the environment's settings."""
    settings = load(Settings)
    async with open_questions(settings) as warehouse, open_access(settings.catalog_url) as access:
        yield Ports(warehouse, access)


@asynccontextmanager
async def open_questions(settings: Settings) -> AsyncIterator[Remembering]:
    """The warehouse of a function's questions, closed at the end; raises ConfigError for unusable limits."""
    catalog = Catalog(settings.catalog_url)
    warehouse = Warehouse(settings.warehouse_url)
    guard = open_guard(warehouse, catalog, settings)
    try:
        yield Remembering(warehouse, guard=guard)
    finally:
        await guard.close()
        await warehouse.close()
        await catalog.close()

"""What every function that answers questions works with: the guarded warehouse, which remembers, and the keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.catalog.client import Catalog
from shared.query.answers import Remembering
from shared.query.guard import QuerySettings, open_guard
from shared.warehouse.client import Warehouse


@asynccontextmanager
async def open_questions(settings: QuerySettings) -> AsyncIterator[Remembering]:
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

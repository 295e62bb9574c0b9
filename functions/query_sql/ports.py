"""What query_sql works with: the console on the guarded warehouse, and the keys."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.query_sql.walls import Walls
from shared.catalog.client import Catalog
from shared.config import load, setting
from shared.query.guard import QuerySettings, open_guard
from shared.query.sessions import USUAL_GAP
from shared.security.access import Access, open_access
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(QuerySettings):
    sql_warehouse_url: str = setting(
        "SLUICE_SQL_WAREHOUSE_URL",
        "Where the statements of the SQL console run, if not at SLUICE_WAREHOUSE_URL: a ClickHouse user that may only"
        " SELECT is one wall more.",
        default="",
        secret=True,
    )


@dataclass(frozen=True)
class Ports:
    access: Access
    warehouse: Warehouse
    walls: Walls
    catalog: Catalog

    async def ready(self) -> None:
        await self.warehouse.ping()

    async def gap(self, project_id: uuid.UUID) -> int:
        """The pause that ends a session of the project, in seconds; raises CatalogUnavailableError."""
        rows = await self.catalog.rows("session_gap", {"project_id": project_id})
        return int(rows[0]["seconds"]) if rows else USUAL_GAP


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog = Catalog(settings.catalog_url)
    warehouse = Warehouse(settings.sql_warehouse_url or settings.warehouse_url)
    guard = open_guard(warehouse, catalog, settings)
    async with open_access(settings.catalog_url) as access:
        yield Ports(access, warehouse, Walls(warehouse, guard), catalog)
    await guard.close()
    await warehouse.close()
    await catalog.close()

"""Bring the catalog and the warehouse to the newest schema: `python -m shared.migrate`."""

import asyncio
from dataclasses import dataclass

from shared.catalog.migrate import migrate as migrate_catalog
from shared.config import CatalogSettings, WarehouseSettings, load
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate as migrate_warehouse


@dataclass(frozen=True, kw_only=True)
class MigrateSettings(WarehouseSettings, CatalogSettings):
    pass


async def main() -> None:
    settings = load(MigrateSettings)
    await asyncio.to_thread(migrate_catalog, settings.catalog_url)
    warehouse = Warehouse(settings.warehouse_url)
    await migrate_warehouse(warehouse)
    await warehouse.close()


if __name__ == "__main__":
    asyncio.run(main())

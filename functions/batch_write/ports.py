"""What batch_write works with: the warehouse and the writer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.batch_write.logic import BatchWriter
from shared.clock import SYSTEM_CLOCK
from shared.config import WarehouseSettings, load, setting
from shared.warehouse.client import Warehouse


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings):
    linger: float = setting("SLUICE_WRITE_LINGER_SECONDS", "How long a flush gathers records.", default=0.25)
    max_rows: int = setting("SLUICE_WRITE_MAX_ROWS", "Rows of one insert at most.", default=50_000)


@dataclass(frozen=True)
class Ports:
    warehouse: Warehouse
    writer: BatchWriter

    async def ready(self) -> None:
        await self.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    warehouse = Warehouse(settings.warehouse_url)
    writer = BatchWriter(warehouse, SYSTEM_CLOCK, linger=settings.linger, max_rows=settings.max_rows)
    yield Ports(warehouse, writer)
    await writer.close()
    await warehouse.close()

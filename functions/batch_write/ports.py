"""What batch_write works with: the warehouse and the writer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.batch_write.announce import Announcer
from functions.batch_write.logic import BatchWriter
from shared.bus import open_bus
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, WarehouseSettings, load, setting
from shared.tombstones import Tombstones
from shared.warehouse.client import Warehouse

# A little more than rollup wants an hour to be quiet, and to wait.
_QUIET_SECONDS = 35
_WAITED_SECONDS = 605


@dataclass(frozen=True, kw_only=True)
class Settings(WarehouseSettings, BusSettings):
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
    bus = open_bus(settings.bus_url)
    announcer = Announcer(bus, SYSTEM_CLOCK, quiet=_QUIET_SECONDS, waited=_WAITED_SECONDS)
    writer = BatchWriter(
        warehouse,
        SYSTEM_CLOCK,
        linger=settings.linger,
        max_rows=settings.max_rows,
        tell=announcer.note,
        tombstones=Tombstones(warehouse, SYSTEM_CLOCK),
    )
    yield Ports(warehouse, writer)
    await writer.close()
    await announcer.close()
    await bus.close()
    await warehouse.close()

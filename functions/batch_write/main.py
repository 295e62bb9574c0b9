"""batch_write: a record from the bus is stored in the warehouse, then answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.batch_write.logic import BatchWriter, read_record
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.config import WarehouseSettings, load, setting
from shared.events import ACCEPTED
from shared.function import function
from shared.http import Reply, Request
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse

MAX_BODY_BYTES = 2 * 1024 * 1024


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


@function("batch_write", opens, methods=("POST",))
async def main(request: Request, ports: Ports) -> Reply:
    message = decode(request.headers, await request.body(MAX_BODY_BYTES))
    if message.attributes["type"] != ACCEPTED:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, message.attributes["type"])
    await ports.writer.write(read_record(message))
    return Reply(204)

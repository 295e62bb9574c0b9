"""One worker of one export as a process of its own, to be killed: `python -m tests.integration.export_worker …`."""

import asyncio
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from functions.export.logic import KIND, Exporter, Limits
from functions.export.reading import READ_LIMITS
from shared.bus import Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.jobs import Asked, Jobs
from shared.jobs.worker import handle
from shared.objects.folder import FolderObjects
from shared.refusals import Rejected
from shared.warehouse.client import Warehouse


async def main(arguments: list[str]) -> None:
    """Work on the job until it is finished, as the events of a source would make it."""
    catalog_url, warehouse_url, folder, job_id, lease, rows = arguments
    catalog = Catalog(catalog_url)
    jobs = Jobs(catalog, MemoryBus(), KIND, lease_seconds=float(lease))
    objects = FolderObjects(Path(folder))
    warehouse = Warehouse(warehouse_url, read_limits=READ_LIMITS)
    how = Limits(int(rows), 0.1)
    exporter = Exporter(warehouse, lambda _: objects, ThreadPoolExecutor(1), SYSTEM_CLOCK, how)
    while not (job := await jobs.find(uuid.UUID(job_id))) or not job.finished:
        asked = Asked(uuid.UUID(job_id), uuid.UUID(int=0), job.step if job else 0)
        try:
            await handle(Message({}, msgspec.json.encode(asked)), jobs, exporter)
        except Rejected:
            await asyncio.sleep(0.05)  # the one that died still has it
    await warehouse.close()
    await catalog.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

"""One worker of one erasure as a process of its own, to be killed: `python -m tests.integration.erasure_worker …`."""

import asyncio
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from functions.gdpr_delete.logic import KIND, Eraser, Limits
from shared.bus import Message
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.jobs import Asked, Jobs
from shared.jobs.worker import handle
from shared.refusals import Rejected
from shared.warehouse.client import Warehouse
from tests.integration.erasing import tools_of


async def main(arguments: list[str]) -> None:
    """Work on the job until it is finished, as the events of a source would make it."""
    catalog_url, warehouse_url, job_id, lease = arguments
    catalog, bus = Catalog(catalog_url), MemoryBus()
    warehouse = Warehouse(warehouse_url)
    await warehouse.ping()
    tools = tools_of(warehouse, catalog, bus, ThreadPoolExecutor(1), Path("/nowhere"))
    eraser = Eraser(tools, Limits(1.0, 0.0, 0.0))
    jobs = Jobs(catalog, bus, KIND, lease_seconds=float(lease), ended=eraser.forget)
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    while not (job := await jobs.find(uuid.UUID(job_id))) or not job.finished:
        asked = Asked(uuid.UUID(job_id), uuid.UUID(int=0), job.step if job else 0)
        try:
            await handle(Message({}, msgspec.json.encode(asked)), jobs, eraser)
        except Rejected:
            await asyncio.sleep(0.05)  # the one that died still has it
    await warehouse.close()
    await catalog.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))

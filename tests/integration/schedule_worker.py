"""Runs the schedules of exports, to be killed: `python -m tests.integration.schedule_worker URL [to the end]`."""

import asyncio
import sys

from functions.export.logic import KIND
from functions.export.schedules import Schedules
from shared.bus.memory import MemoryBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.jobs import Jobs


async def main(catalog_url: str, *, to_the_end: bool) -> None:
    """Run them until it is killed, or until nothing is due."""
    catalog = Catalog(catalog_url)
    schedules = Schedules(catalog, Jobs(catalog, MemoryBus(), KIND), SYSTEM_CLOCK)
    await catalog.ping()
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    while await schedules.run() or not to_the_end:
        pass
    await catalog.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], to_the_end=len(sys.argv) > 2))

"""One keeper of incidents as a process of its own, to be killed.

`python -m tests.integration.incidents_worker CATALOG NOW`: it ticks once
at NOW (µs); what it publishes becomes rows of the table `published`.
"""

import asyncio
import sys
from typing import Any

from functions.incidents.links import Links
from functions.incidents.logic import Keeper
from functions.incidents.telling import Teller
from shared.catalog.client import Catalog
from shared.clock import FixedClock
from shared.security.sealing import Sealer
from tests.integration.timed_worker import TableBus


async def main(catalog_url: str, now: str) -> None:
    """One tick."""
    clock, catalog = FixedClock(int(now)), Catalog(catalog_url)
    bus: Any = TableBus(catalog_url)
    links = Links(Sealer("s" * 32), clock, "https://s.example", hours=24)
    keeper = Keeper(catalog, Teller(bus, links, "https://s.example"), clock)
    await keeper.tick()
    await keeper.close()
    await catalog.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

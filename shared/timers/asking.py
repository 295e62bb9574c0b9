"""What functions share that ask the warehouse at their times: alert rules and reports."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import Bus
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.cloudevent import decode
from shared.config import PUBLIC_URL, BusSettings, CatalogSettings, WarehouseSettings, setting
from shared.freshness import Freshness
from shared.http import Request
from shared.refusals import Refusal, Rejected
from shared.security.access import Access, open_access
from shared.timers import Timers
from shared.warehouse.client import Warehouse

_MOST_EVENT_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class TimedSettings(WarehouseSettings, CatalogSettings, BusSettings):
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True, kw_only=True)
class Asking:
    """The engines of such a function, opened; the bus and the warehouse connect at their first call."""

    access: Access
    catalog: Catalog
    warehouse: Warehouse
    bus: Bus
    timers: Timers
    freshness: Freshness
    proxies: TrustedProxies


@asynccontextmanager
async def open_asking(settings: TimedSettings, timer: str, *, catch_up: int, at_once: int) -> AsyncIterator[Asking]:
    """Open them for the timers of that name, and close them at the end of the block."""
    async with AsyncExitStack() as stack:
        access = await stack.enter_async_context(open_access(settings.catalog_url))
        warehouse = Warehouse(settings.warehouse_url)
        stack.push_async_callback(warehouse.close)
        bus = LateBus(settings.bus_url)
        stack.push_async_callback(bus.close)
        catalog = Catalog(settings.catalog_url)
        stack.push_async_callback(catalog.close)
        yield Asking(
            access=access,
            catalog=catalog,
            warehouse=warehouse,
            bus=bus,
            timers=Timers(catalog, timer, SYSTEM_CLOCK, catch_up=catch_up, at_once=at_once),
            freshness=Freshness(bus, warehouse, bus.inspection, SYSTEM_CLOCK),
            proxies=TrustedProxies(settings.trusted_proxies),
        )


async def read_tick(request: Request, *due: str) -> Mapping[str, str]:
    """Take a tick of the timer, or another event that is looked for; returns its attributes.

    Refuses events of other types than `due` (`unexpected_event_type`).
    """
    attributes = decode(request.headers, await request.body(_MOST_EVENT_BYTES)).attributes
    if attributes["type"] not in due:
        raise Rejected(Refusal.UNEXPECTED_EVENT_TYPE, attributes["type"])
    return attributes

"""What incidents works with: the catalog, the bus, the keys, and what seals its links."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.incidents.links import Links
from functions.incidents.logic import GROUP_SECONDS, Keeper
from functions.incidents.telling import Teller
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus.late import LateBus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import PUBLIC_URL, BusSettings, CatalogSettings, load, setting
from shared.security.access import Access, open_access
from shared.security.sealing import SecretSettings, sealer_of


@dataclass(frozen=True, kw_only=True)
class Settings(CatalogSettings, BusSettings, SecretSettings):
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")
    link_hours: float = setting(
        "SLUICE_ACKNOWLEDGE_HOURS", "How long a link in a message acknowledges its incidents.", default=24.0
    )
    group_seconds: float = setting(
        "SLUICE_INCIDENT_GROUP_SECONDS",
        "How long a new incident waits for others, to be told with them in one message.",
        default=GROUP_SECONDS,
    )


@dataclass(frozen=True)
class Ports:
    access: Access
    catalog: Catalog
    keeper: Keeper
    links: Links
    proxies: TrustedProxies

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog, bus = Catalog(settings.catalog_url), LateBus(settings.bus_url)
    links = Links(sealer_of(settings), SYSTEM_CLOCK, settings.public_url, settings.link_hours)
    teller = Teller(bus, links, settings.public_url)
    keeper = Keeper(catalog, teller, SYSTEM_CLOCK, group_seconds=settings.group_seconds)
    async with open_access(settings.catalog_url) as access:
        yield Ports(access, catalog, keeper, links, TrustedProxies(settings.trusted_proxies))
    await keeper.close()
    await bus.close()
    await catalog.close()

"""What webhooks works with: the catalog, the bus, the client that knows which addresses may be reached."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.webhooks.subscriptions import Subscriptions
from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.catalog.deliveries import Deliveries
from shared.catalog.webhooks import Webhooks
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, OutgoingSettings, load, setting
from shared.outgoing import Outgoing
from shared.security.access import Access, open_access
from shared.security.sealing import SecretSettings, sealer_of
from shared.security.secrets import SecretBox


@dataclass(frozen=True, kw_only=True)
class Settings(CatalogSettings, BusSettings, OutgoingSettings, SecretSettings):
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    catalog: Catalog
    webhooks: Webhooks
    deliveries: Deliveries
    bus: Bus
    outgoing: Outgoing
    access: Access
    box: SecretBox
    proxies: TrustedProxies
    subscriptions: Subscriptions

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog, bus, outgoing = (
        Catalog(settings.catalog_url),
        open_bus(settings.bus_url),
        Outgoing(settings.outgoing_allow),
    )
    webhooks = Webhooks(catalog)
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            catalog=catalog,
            webhooks=webhooks,
            deliveries=Deliveries(catalog),
            bus=bus,
            outgoing=outgoing,
            access=access,
            box=SecretBox(sealer_of(settings)),
            proxies=TrustedProxies(settings.trusted_proxies),
            subscriptions=Subscriptions(webhooks, SYSTEM_CLOCK),
        )
    await outgoing.close()
    await bus.close()
    await catalog.close()

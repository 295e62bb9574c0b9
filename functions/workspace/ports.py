"""What the workspace works with: the catalog, the bus, the query functions, and who may ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.config import (
    PUBLIC_URL,
    WORK_URL,
    BusSettings,
    load,
    setting,
)
from shared.query.guard import QuerySettings
from shared.saved_queries import Asking
from shared.security.access import Access, open_access
from shared.security.audit_chain import Signer, signer_of
from shared.security.limits import Meter, Rate, parse_rate
from shared.security.project_limits import LimitSettings, open_meter
from shared.security.sealing import Sealer, SecretSettings, sealer_of


@dataclass(frozen=True, kw_only=True)
class Settings(BusSettings, QuerySettings, LimitSettings, SecretSettings):
    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    work_url: str = setting("SLUICE_WORK_URL", WORK_URL, default="http://{service}:8080")
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")
    definition_reads: str = setting(
        "SLUICE_LIMIT_DEFINITION_READS", "How often one user or key may read definitions.", default="1200/minute"
    )
    definition_writes: str = setting(
        "SLUICE_LIMIT_DEFINITION_WRITES", "How often one user or key may write definitions.", default="120/minute"
    )


@dataclass(frozen=True)
class Ports:
    catalog: Catalog
    bus: Bus
    access: Access
    asking: Asking
    signer: Signer
    sealer: Sealer
    meter: Meter
    reads: Rate | None
    writes: Rate | None
    proxies: TrustedProxies
    settings: Settings

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    catalog, bus, asking = Catalog(settings.catalog_url), open_bus(settings.bus_url), Asking(settings.work_url)
    meter = open_meter(settings)
    async with open_access(settings.catalog_url) as access:
        yield Ports(
            catalog,
            bus,
            access,
            asking,
            signer_of(settings),
            sealer_of(settings),
            meter,
            parse_rate(settings.definition_reads, "SLUICE_LIMIT_DEFINITION_READS"),
            parse_rate(settings.definition_writes, "SLUICE_LIMIT_DEFINITION_WRITES"),
            TrustedProxies(settings.trusted_proxies),
            settings,
        )
    await asking.close()
    await meter.close()
    await bus.close()
    await catalog.close()

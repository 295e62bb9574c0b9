"""What dead_letter works with: the bus, the catalog and the functions' own word on whether they can work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.dead_letter.logic import Letters
from functions.dead_letter.sinks import Sinks
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, load, setting

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Settings(BusSettings, CatalogSettings):
    kept_mib: int = setting(
        "SLUICE_DEAD_LETTERS_MIB", "Size of all dead letters kept for people at most, in MiB.", default=1_024
    )
    wait_seconds: float = setting(
        "SLUICE_DEAD_LETTER_WAIT_SECONDS",
        "How long a dead letter waits for its function before it makes way for those behind it.",
        default=300.0,
    )


@dataclass(frozen=True)
class Ports:
    bus: Bus
    letters: Letters

    async def ready(self) -> None:
        await self.bus.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    bus, catalog, sinks = open_bus(settings.bus_url), Catalog(settings.catalog_url), Sinks(SYSTEM_CLOCK)
    letters = Letters(
        bus, catalog, sinks, SYSTEM_CLOCK, most_bytes=settings.kept_mib * _MIB, wait_seconds=settings.wait_seconds
    )
    yield Ports(bus, letters)
    await catalog.close()
    await bus.close()

"""What ingest works with: the bus, the keys, the catalog, and the pipeline that stands on them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from functions.ingest.commit import GroupCommit
from functions.ingest.cors import Cors, CorsSettings
from functions.ingest.enrich import Enricher, EnrichSettings
from functions.ingest.enrich.lookups import Lookups
from functions.ingest.enrich.place import TrustedProxies
from functions.ingest.limiting import IngestLimits
from functions.ingest.logic import Pipeline
from functions.ingest.parsing import Limits
from functions.ingest.pii import PiiRules
from functions.ingest.rejections import Rejections
from functions.ingest.replaying import KnownOfProject, Replays
from functions.ingest.schemas import Schemas
from functions.ingest.validate import EventLimits
from shared.at_once import Head, Settle
from shared.bus import Bus, open_bus
from shared.catalog.client import Catalog
from shared.catalog.sightings import Sightings
from shared.clock import SYSTEM_CLOCK
from shared.config import BusSettings, CatalogSettings, load, setting
from shared.security.access import open_access
from shared.security.project_limits import LimitSettings, ProjectLimits, address_rate, open_meter


@dataclass(frozen=True, kw_only=True)
class Settings(BusSettings, CatalogSettings, EnrichSettings, CorsSettings, LimitSettings):
    max_request: int = setting(
        "SLUICE_MAX_REQUEST_BYTES", "Bytes of one ingest request, as sent and once it is unpacked.", default=10 << 20
    )
    max_events: int = setting("SLUICE_MAX_REQUEST_EVENTS", "Events of one ingest request.", default=10_000)
    max_event: int = setting("SLUICE_MAX_EVENT_BYTES", "Bytes of one event.", default=64 << 10)
    max_properties: int = setting("SLUICE_MAX_PROPERTIES", "Properties of one event, at its top level.", default=255)
    max_depth: int = setting("SLUICE_MAX_DEPTH", "Levels of objects and lists in an event's properties.", default=32)
    max_ahead: int = setting("SLUICE_MAX_AHEAD_SECONDS", "How far ahead of us an event's time may be.", default=86_400)
    max_waiting: int = setting("SLUICE_MAX_WAITING_BYTES", "Events that wait for the bus.", default=64 << 20)


@dataclass(frozen=True)
class Ports:
    bus: Bus
    pipeline: Pipeline
    replays: Replays
    cors: Cors

    def answer_headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return self.cors.answer(headers)

    def begin(self, head: Head, body: bytes, settle: Settle) -> bool:
        return self.pipeline.begin(head, body, settle)

    async def ready(self) -> None:
        await self.bus.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    bus = open_bus(settings.bus_url)
    catalog = Catalog(settings.catalog_url)
    committer = GroupCommit(bus, SYSTEM_CLOCK, max_waiting=settings.max_waiting)
    rejections = Rejections(bus, SYSTEM_CLOCK, max_waiting=settings.max_waiting)
    sightings = Sightings(catalog, SYSTEM_CLOCK)
    lookups = Lookups(catalog, SYSTEM_CLOCK)
    pii, schemas = PiiRules(catalog, SYSTEM_CLOCK), Schemas(catalog, SYSTEM_CLOCK)
    projects = ProjectLimits(catalog, settings)
    projects.of(None)  # they are read while the first events are still on their way
    limiting = IngestLimits(projects, open_meter(settings), address_rate(settings, ingest=True))
    enricher = Enricher(settings)
    warming = asyncio.create_task(asyncio.to_thread(enricher.warm))  # or the first event would wait for its tables
    limits = Limits(settings.max_events, settings.max_request, settings.max_event)
    each = EventLimits(settings.max_event, settings.max_properties, settings.max_depth, settings.max_ahead)
    async with open_access(settings.catalog_url) as access:
        pipeline = Pipeline(
            access=access,
            committer=committer,
            rejections=rejections,
            sightings=sightings,
            enricher=enricher,
            proxies=TrustedProxies(settings.trusted_proxies),
            lookups=lookups,
            pii=pii,
            schemas=schemas,
            limiting=limiting,
            limits=limits,
            event_limits=each,
            clock=SYSTEM_CLOCK,
        )
        known = KnownOfProject(lookups, pii, schemas)
        replays = Replays(pipeline, committer, known, catalog, SYSTEM_CLOCK, limits=limits, event_limits=each)
        yield Ports(bus, pipeline, replays, Cors(settings.cors_origins))
    await warming
    await lookups.close()
    await pii.close()
    await schemas.close()
    await sightings.close()
    await committer.close()
    await rejections.close()
    await limiting.close()
    await catalog.close()
    await bus.close()

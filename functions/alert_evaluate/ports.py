"""What alert_evaluate works with: rules and timers in the catalog, the warehouse, the bus, the cache, the keys."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from functions.alert_evaluate.logic import AT_ONCE, CATCH_UP, TIMER, Evaluator
from functions.alert_evaluate.store import Alerts
from shared.addresses import TrustedProxies
from shared.cache import Cache, open_cache
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import load, setting
from shared.query.ports import Settings as QuerySettings
from shared.query.ports import open_questions
from shared.security.access import Access
from shared.timers.asking import TimedSettings, open_asking


@dataclass(frozen=True, kw_only=True)
class Settings(TimedSettings, QuerySettings):
    most: int = setting("SLUICE_ALERTS_PER_PROJECT", "Alert rules of one project at most.", default=500)


@dataclass(frozen=True)
class Ports:
    access: Access
    alerts: Alerts
    evaluator: Evaluator
    catalog: Catalog
    proxies: TrustedProxies

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    async with AsyncExitStack() as stack:
        asking = await stack.enter_async_context(open_asking(settings, TIMER, catch_up=CATCH_UP, at_once=AT_ONCE))
        guarded = await stack.enter_async_context(open_questions(settings))
        cache: Cache | None = None
        if settings.cache_url:
            cache = open_cache(settings.cache_url)
            stack.push_async_callback(cache.close)
        alerts = Alerts(asking.catalog, asking.timers, settings.most)
        evaluator = Evaluator(
            alerts=alerts,
            timers=asking.timers,
            warehouse=asking.warehouse,
            freshness=asking.freshness,
            bus=asking.bus,
            clock=SYSTEM_CLOCK,
            public_url=settings.public_url,
            cache=cache,
            guarded=guarded,
        )
        yield Ports(asking.access, alerts, evaluator, asking.catalog, asking.proxies)

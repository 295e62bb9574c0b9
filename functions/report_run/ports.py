"""What report_run works with: reports and timers in the catalog, the query functions, the bus, the files, the keys."""

import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from functions.report_run.files import Drawer, Files
from functions.report_run.logic import AT_ONCE, CATCH_UP, TIMER, Runner
from functions.report_run.making import Maker
from functions.report_run.store import Reports
from shared.addresses import TrustedProxies
from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK
from shared.config import WORK_URL, ObjectsSettings, load, setting
from shared.objects import open_objects
from shared.saved_queries import Asking
from shared.security.access import Access
from shared.timers.asking import TimedSettings, open_asking


@dataclass(frozen=True, kw_only=True)
class Settings(TimedSettings, ObjectsSettings):
    work_url: str = setting("SLUICE_WORK_URL", WORK_URL, default="http://{service}:8080")
    most: int = setting("SLUICE_REPORTS_PER_PROJECT", "Reports of one project at most.", default=100)
    keep_days: int = setting(
        "SLUICE_REPORT_KEEP_DAYS",
        "After how many days a run of a report is removed with its files; 0 means never.",
        default=365,
    )


@dataclass(frozen=True)
class Ports:
    access: Access
    reports: Reports
    runner: Runner
    maker: Maker
    drawer: Drawer
    catalog: Catalog
    proxies: TrustedProxies
    public_url: str

    async def ready(self) -> None:
        await self.catalog.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    objects, functions = open_objects(settings.objects), Asking(settings.work_url)
    with tempfile.TemporaryDirectory(prefix="sluice-reports-") as folder, ThreadPoolExecutor(2, "report") as threads:
        async with open_asking(settings, TIMER, catch_up=CATCH_UP, at_once=AT_ONCE) as asking:
            reports = Reports(asking.catalog, asking.timers, settings.most)
            maker, drawer = Maker(asking.catalog, asking.warehouse, functions), Drawer(Path(folder))
            runner = Runner(
                reports=reports,
                timers=asking.timers,
                maker=maker,
                drawer=drawer,
                files=Files(objects, threads),
                freshness=asking.freshness,
                bus=asking.bus,
                clock=SYSTEM_CLOCK,
                public_url=settings.public_url,
                keep_days=settings.keep_days,
            )
            public_url = settings.public_url.rstrip("/")
            yield Ports(asking.access, reports, runner, maker, drawer, asking.catalog, asking.proxies, public_url)
        await functions.close()
        objects.close()

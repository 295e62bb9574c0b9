"""What backup works with: what copies are made of and where they go, and who may ask."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.backups.opening import Backups, BackupSettings, open_backups
from shared.clock import SYSTEM_CLOCK
from shared.config import load, setting
from shared.security.access import Access, open_access
from shared.timers import Timers

TIMER = "backup"


@dataclass(frozen=True, kw_only=True)
class Settings(BackupSettings):
    schedule: str = setting(
        "SLUICE_BACKUP_SCHEDULE",
        "When copies are made, as cron in UTC, where SLUICE_BACKUP_URL is set; `never` for none.",
        default="17 3 * * *",
    )
    drill_schedule: str = setting(
        "SLUICE_BACKUP_DRILL_SCHEDULE",
        "When the newest copy is restored into a scratch place and compared, as cron in UTC; `never` for never.",
        default="never",
    )
    operators: str = setting(
        "SLUICE_OPERATOR_ORGANISATION",
        "The id of the organisation whose owners may make and remove copies; empty: the owners of every organisation.",
        default="",
    )
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


@dataclass(frozen=True)
class Ports:
    settings: Settings
    backups: Backups
    access: Access
    timers: Timers
    proxies: TrustedProxies

    async def ready(self) -> None:
        await self.backups.warehouse.ping()


@asynccontextmanager
async def opens() -> AsyncIterator[Ports]:
    settings = load(Settings)
    async with open_backups(settings) as backups, open_access(settings.catalog_url) as access:
        timers = Timers(backups.catalog, TIMER, SYSTEM_CLOCK, catch_up=1, lease_seconds=120)
        yield Ports(settings, backups, access, timers, TrustedProxies(settings.trusted_proxies))

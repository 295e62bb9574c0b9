"""Limits by project: the instance's, and what the catalog says of a project in place of them."""

import uuid
from dataclasses import dataclass

from shared.catalog.client import Catalog, Row
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import CACHE_URL, ConfigError, setting
from shared.security.limits import CacheCounts, Meter, Rate, parse_rate
from shared.security.per_project import PerProject

DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """The instance's limits. A rate is 100/second, 6000/minute …, `none` or empty for no limit.

    Without a cache each process counts alone.
    """

    ingest_key_rate: str = setting(
        "SLUICE_LIMIT_INGEST_KEY",
        "Ingest requests of one key: 100/second, 6000/minute …; none is no limit.",
        default="",
    )
    ingest_address_rate: str = setting(
        "SLUICE_LIMIT_INGEST_ADDRESS", "Ingest requests of one address that uses a public key.", default=""
    )
    read_key_rate: str = setting("SLUICE_LIMIT_READ_KEY", "All other requests of one key.", default="12000/minute")
    read_user_rate: str = setting("SLUICE_LIMIT_READ_USER", "All other requests of one user.", default="3000/minute")
    read_address_rate: str = setting(
        "SLUICE_LIMIT_READ_ADDRESS", "All other requests of one address.", default="30000/minute"
    )
    events_per_day: int = setting(
        "SLUICE_EVENTS_PER_DAY", "Events that a project may send in one UTC day; 0 means any number.", default=0
    )
    cache_url: str = setting("SLUICE_CACHE_URL", CACHE_URL, default="", secret=True)


@dataclass(frozen=True)
class Limits:
    """What holds for one project; None is no limit. `events_per_day` is a Rate of one UTC day."""

    ingest: Rate | None
    read_key: Rate | None
    read_user: Rate | None
    events_per_day: Rate | None


class ProjectLimits:
    """The limits of each project, without waiting (see PerProject)."""

    def __init__(self, catalog: Catalog, settings: LimitSettings, clock: Clock = SYSTEM_CLOCK) -> None:
        default = instance_limits(settings)
        self._own = PerProject(catalog, "project_limits", lambda row: limits_with(default, row), default, clock)

    def of(self, project_id: uuid.UUID | None) -> Limits:
        """The limits of a project; the instance's for None and for a project without its own."""
        return self._own.of(project_id)

    async def refresh(self) -> None:
        """Read them now; while the catalog is away those known go on holding."""
        await self._own.refresh()

    async def close(self) -> None:
        """End the question under way."""
        await self._own.close()


def instance_limits(settings: LimitSettings) -> Limits:
    """The limits of a project without its own. Raises ConfigError."""
    return Limits(
        parse_rate(settings.ingest_key_rate, "SLUICE_LIMIT_INGEST_KEY"),
        parse_rate(settings.read_key_rate, "SLUICE_LIMIT_READ_KEY"),
        parse_rate(settings.read_user_rate, "SLUICE_LIMIT_READ_USER"),
        _per_day(settings.events_per_day),
    )


def limits_with(default: Limits, own: Row) -> Limits:
    """The limits of a project with the row `own` of project_limits."""
    read = own["read_rate"]
    return Limits(
        default.ingest if own["ingest_rate"] is None else parse_rate(own["ingest_rate"]),
        default.read_key if read is None else parse_rate(read),
        default.read_user if read is None else parse_rate(read),
        default.events_per_day if own["events_per_day"] is None else _per_day(own["events_per_day"]),
    )


def open_meter(settings: LimitSettings, clock: Clock = SYSTEM_CLOCK) -> Meter:
    """The meter of a process, in step with the others where a cache is named."""
    return Meter(CacheCounts(settings.cache_url) if settings.cache_url else None, clock)


def address_rate(settings: LimitSettings, *, ingest: bool) -> Rate | None:
    """The instance's limit of one address."""
    if ingest:
        return parse_rate(settings.ingest_address_rate, "SLUICE_LIMIT_INGEST_ADDRESS")
    return parse_rate(settings.read_address_rate, "SLUICE_LIMIT_READ_ADDRESS")


def _per_day(events: int) -> Rate | None:
    if events < 0:
        raise ConfigError([f"SLUICE_EVENTS_PER_DAY={events} is not usable: 0 or more"])
    return Rate(events, DAY_SECONDS) if events else None

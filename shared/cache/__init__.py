"""The cache port: what may be lost at any time and only costs speed then. Valkey or Redis; memory in tests.

Every implementation passes tests/contract/test_cache.py. It holds the live windows: how many events of each name a
project received in each minute, kept up to date from the bus. A record that is delivered again counts once, and a
window that was lost, in whole or in part, is known to be lost: it is never a number that is too small.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from shared.config import ConfigError
from shared.refusals import UnavailableError

# What bounds the memory. Names beyond MOST_NAMES in a minute count as `rest`; a minute with more records than
# MOST_RECORDS is given up; projects beyond MOST_PROJECTS within the minutes kept have no windows at all.
KEPT_MINUTES = 60
MOST_NAMES = 100
MOST_RECORDS = 50_000
MOST_PROJECTS = 500


class CacheUnavailableError(UnavailableError):
    """The cache does not answer; nothing is known to have been counted."""


class Window(msgspec.Struct, frozen=True):
    """One minute of a project: events received of each name, and those of all further names together."""

    counts: dict[str, int]
    rest: int

    @property
    def total(self) -> int:
        return sum(self.counts.values()) + self.rest


EMPTY = Window({}, 0)
# Events of each name, by the minute they were received in: whole minutes since 1970.
Counts = Mapping[int, Mapping[str, int]]


class Cache(Protocol):
    """Safe for concurrent use within one event loop, and by many processes at once."""

    async def count(self, project: str, record: str, counts: Counts, now: int) -> None:
        """Add what one record holds to the windows of its project, each once however often it comes.

        `record` is its id, `now` the current minute. Windows older than KEPT_MINUTES are left alone, and so are
        those of minutes that had begun when the project's first window was made: of them nobody knows what is
        missing. Raises CacheUnavailableError; repeat, also where it was counted already.
        """
        ...

    async def windows(self, project: str, first: int, last: int, now: int) -> list[Window | None]:
        """The windows of these minutes, both included; None of those that are lost, too old or were never watched.

        Raises CacheUnavailableError.
        """
        ...

    async def ping(self) -> None:
        """Return when the cache answers. Raises CacheUnavailableError."""
        ...

    async def close(self) -> None:
        """Drop the connections."""
        ...


def window_of(kept: Sequence[tuple[str, int]], rest: int) -> Window:
    """A window from what a cache keeps of it."""
    return Window(dict(sorted(kept, key=lambda one: (-one[1], one[0]))), rest)


def open_cache(url: str) -> Cache:
    """The cache behind a URL: redis://, rediss://, unix:// or memory://; connects at the first call.

    Raises ConfigError for any other scheme or a malformed URL; the message never holds the URL.
    """
    scheme = url.partition("://")[0]
    if scheme in {"redis", "rediss", "unix"}:
        from shared.cache.valkey import ValkeyCache

        return ValkeyCache(url)
    if scheme == "memory":
        from shared.cache.memory import MemoryCache

        return MemoryCache()
    raise ConfigError(["SLUICE_CACHE_URL has an unknown scheme; known are redis://, rediss://, unix://, memory://"])

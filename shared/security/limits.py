"""Rate limits: how often somebody may ask, counted here and agreed upon with the others now and then.

No request waits for the cache: a `Meter` counts in its own process and brings what it has counted to the cache twice a
second, which tells it what all processes counted together. So N processes may let through what arrives within half a
second more than the limit; the cache being away means that each counts alone (limits fail open). Signing in is
different (shared.security.throttle): there each attempt asks the cache, and no answer means no.

Windows are aligned to the clock (a minute begins at :00), the same in every process; a day is a UTC day.
"""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import structlog

from shared import metrics
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import ConfigError
from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    from limits.aio.storage import Storage

log = structlog.get_logger()

SYNC_SECONDS = 0.5
_MOST_WINDOWS = 50_000
_SYNCED_AT_ONCE = 64
_CONNECTIONS = 16
_ANSWER_SECONDS = 2.0
_DAY = 86_400
_RATE = re.compile(r"(\d{1,12})\s*(?:/|per)\s*(second|minute|hour|day)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": _DAY}
SECONDS_NAMES = {seconds: name for name, seconds in _SECONDS.items()}


class Rate(NamedTuple):
    """So many in so many seconds."""

    amount: int
    seconds: int


def parse_rate(text: str, name: str = "a rate") -> Rate | None:
    """`100/minute` as a Rate; None for '' and `none`. Raises ConfigError, which calls the value by `name`."""
    if text.strip().lower() in {"", "none"}:
        return None
    found = _RATE.fullmatch(text.strip().lower())
    if found is None or not int(found[1]):
        raise ConfigError([f"{name}={text!r} is not usable: write 100/second, 6000/minute, 1000000/day or none"])
    return Rate(int(found[1]), _SECONDS[found[2]])


def rate_text(rate: Rate) -> str:
    """A rate as parse_rate reads it."""
    return f"{rate.amount}/{SECONDS_NAMES[rate.seconds]}"


class Taken(NamedTuple):
    """What became of a request at a limit: `remaining` of it in this window, which ends in `reset` seconds."""

    allowed: bool
    rate: Rate
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """The RateLimit fields of an answer (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "ratelimit-limit": str(self.rate.amount),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": str(self.reset),
            "ratelimit-policy": f"{self.rate.amount};w={self.rate.seconds}",
        }


class Counts(Protocol):
    """Where processes agree: adds to a counter that expires, and says what it is now."""

    async def add(self, key: str, seconds: int, amount: int) -> int: ...
    async def close(self) -> None: ...


class _Window:
    """One limit in one window: what all had counted when last asked, and what is counted here since."""

    __slots__ = ("ends", "known", "pending", "seconds")

    def __init__(self, ends: int, seconds: int) -> None:
        self.ends = ends
        self.seconds = seconds
        self.known = 0
        self.pending = 0


class Meter:
    """Counts against limits without waiting for anything; safe within one event loop."""

    def __init__(self, counts: Counts | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._counts = counts
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._dirty: set[str] = set()
        self._syncing: asyncio.Task[None] | None = None
        self._alone = False
        self._under_way = asyncio.Lock()

    def take(self, who: str, rate: Rate, cost: int = 1) -> Taken:
        """Count `cost` for `who` if that still fits the window; what does not fit is not counted."""
        return self._count(who, rate, cost, whole=True)

    def spend(self, who: str, rate: Rate, cost: int = 0) -> Taken:
        """Count `cost` whether it fits or not, as of what only shows its cost when it is done.

        `allowed` says whether there was anything left before.
        """
        return self._count(who, rate, cost, whole=False)

    async def used(self, who: str, rate: Rate) -> int | None:
        """How much of the window under way all processes counted; None where there is no cache or it does not say."""
        if self._counts is None:
            return None
        try:
            _, key = _window_of(who, rate, self._clock.micros() // 1_000_000)
            return await self._counts.add(key, 2 * rate.seconds, 0)
        except CountsAwayError:
            return None

    def _count(self, who: str, rate: Rate, cost: int, *, whole: bool) -> Taken:
        now = self._clock.micros() // 1_000_000
        start, key = _window_of(who, rate, now)
        window = self._windows.get(key)
        if window is None:
            self._forget(now)
            window = self._windows[key] = _Window(start + rate.seconds, rate.seconds)
        used = window.known + window.pending
        allowed = used + cost <= rate.amount if whole else used < rate.amount
        if allowed or not whole:
            window.pending += cost
            used += cost
            self._note(key)
        return Taken(allowed, rate, max(0, rate.amount - used), window.ends - now)

    async def sync(self) -> None:
        """Bring what was counted here to the others, and learn what they counted."""
        async with self._under_way:
            dirty, self._dirty = list(self._dirty), set()
            for at in range(0, len(dirty), _SYNCED_AT_ONCE):
                await asyncio.gather(*map(self._sync_one, dirty[at : at + _SYNCED_AT_ONCE]))

    async def close(self) -> None:
        """Bring the last counts over and let go of the cache."""
        if self._syncing is not None:
            async with self._under_way:  # a question that is cut off would leave its connection behind
                self._syncing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._syncing
        if self._counts is not None:
            await self.sync()
            await self._counts.close()

    def _note(self, key: str) -> None:
        """A counter is ahead of the cache; the task that brings it over ends where there is nothing to bring."""
        if self._counts is None:
            return
        self._dirty.add(key)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.get_running_loop().create_task(self._keep_in_step())

    async def _keep_in_step(self) -> None:
        while self._dirty:
            await self.sync()
            await asyncio.sleep(SYNC_SECONDS)

    async def _sync_one(self, key: str) -> None:
        window = self._windows.get(key)
        if window is None or self._counts is None:
            return
        pending = window.pending
        try:
            known = await self._counts.add(key, 2 * window.seconds, pending)
        except CountsAwayError as error:
            if not self._alone:
                log.warning("limits_alone", cause=repr(error.__cause__), meaning="each process counts by itself")
            self._alone = True
            if window.ends > self._clock.micros() // 1_000_000:
                self._dirty.add(key)
            return
        self._alone = False
        window.known = known
        window.pending -= pending

    def _forget(self, now: int) -> None:
        """Drop windows that are over, and the oldest where there are too many."""
        if len(self._windows) < _MOST_WINDOWS:
            return
        self._windows = {key: window for key, window in self._windows.items() if window.ends > now}
        while len(self._windows) >= _MOST_WINDOWS:
            del self._windows[next(iter(self._windows))]


def _window_of(who: str, rate: Rate, now: int) -> tuple[int, str]:
    """When the window of the second `now` began, and the name of its counter."""
    start = now - now % rate.seconds
    return start, f"{who}:{start}:{rate.seconds}"


class CountsAwayError(Exception):
    """The cache does not answer."""


class CacheCounts:
    """Counts in Valkey or Redis, through the storage of the `limits` library; connects at the first call."""

    def __init__(self, cache_url: str) -> None:
        self._url = cache_url
        self._opened: LimitStorage | None = None

    async def add(self, key: str, seconds: int, amount: int) -> int:
        """Raises CountsAwayError."""
        from redis.exceptions import RedisError

        if self._opened is None:
            self._opened = LimitStorage(self._url)
        try:
            return await self._opened.storage.incr(f"sluice-limit:{key}", seconds, amount=amount)
        except (RedisError, OSError, TimeoutError) as error:
            raise CountsAwayError from error

    async def close(self) -> None:
        """Drop the connections."""
        if self._opened is not None:
            await self._opened.close()
            self._opened = None


class LimitStorage:
    """The storage of the `limits` library on a cache's URL; raises ConfigError for a scheme it does not know."""

    def __init__(self, cache_url: str) -> None:
        from limits.storage import storage_from_string
        from redis.asyncio import BlockingConnectionPool

        if cache_url.partition("://")[0] not in {"redis", "rediss", "unix"}:
            raise ConfigError(["SLUICE_CACHE_URL has an unknown scheme; known are redis://, rediss://, unix://"])
        self._pool = BlockingConnectionPool.from_url(
            cache_url,
            max_connections=_CONNECTIONS,
            timeout=_ANSWER_SECONDS,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_ANSWER_SECONDS,
        )
        options: dict[str, Any] = {"implementation": "redispy", "connection_pool": self._pool}
        # An `async+` address gives an asynchronous storage, which the library's type leaves open.
        self.storage = cast("Storage", storage_from_string("async+redis://", **options))

    async def close(self) -> None:
        """Drop the connections."""
        await self._pool.disconnect()


def refused(taken: Taken, limit: str, whom: str) -> Rejected:
    """The refusal (RATE_LIMITED) of what did not fit a limit, with its headers."""
    metrics.RATE_LIMITED.labels(limit).inc()
    detail = f"{whom} may ask {taken.rate.amount} times in {taken.rate.seconds} s; try again in {taken.reset} s"
    rejected = Rejected(Refusal.RATE_LIMITED, detail, limit=taken.rate.amount, seconds=taken.rate.seconds)
    rejected.headers = {**taken.headers(), "retry-after": str(taken.reset)}
    return rejected


def quota_exceeded(taken: Taken, sent: int) -> Rejected:
    """The refusal (QUOTA_EXCEEDED) of events beyond a project's quota of the day, with the counts."""
    metrics.RATE_LIMITED.labels("quota").inc()
    quota = taken.rate.amount
    detail = (
        f"{sent} events do not fit: {taken.remaining} of the project's {quota} events of this UTC day are left;"
        f" the next day begins in {taken.reset} s"
    )
    rejected = Rejected(
        Refusal.QUOTA_EXCEEDED, detail, quota=quota, used=quota - taken.remaining, sent=sent, resets_in=taken.reset
    )
    rejected.headers = {**taken.headers(), "retry-after": str(taken.reset)}
    return rejected


def least(taken: Mapping[str, Taken]) -> Taken | None:
    """The limit that is nearest to its end: what an answer tells its client."""
    return min(taken.values(), key=lambda one: one.remaining, default=None)

"""Signing in, throttled per account and address, without locking the owner out.

Attempts are counted in the cache, each exactly: no answer from it means no sign-in (limits fail closed). An
account that strangers hammer goes on letting in whoever signs in from an address it knows: only sources that never
signed in to it share the account's allowance.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared import metrics
from shared.clock import SYSTEM_CLOCK, Clock
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security.limits import LimitStorage, Rate

if TYPE_CHECKING:
    from limits import RateLimitItem

# Attempts: of one source at one account since its last success there, of one source at all, and of all sources that an
# account does not know.
PAIR = Rate(8, 300)
SOURCE = Rate(150, 300)
STRANGERS = Rate(60, 3_600)
LOOPBACK = frozenset({"127.0.0.1", "::1"})
# How long an address is known to an account after a sign-in.
KNOWN_SECONDS = 90 * 86_400
_NAMESPACE = "sluice-login"
_AT = "@"


class ThrottleUnavailableError(UnavailableError):
    """The cache is away: nobody can say how often this was tried, so nobody signs in."""

    retry_after_seconds = 2


class LoginThrottle:
    """Ask `attempt` before a password (or a code, or a mailed token) is looked at; tell `succeeded` what was let in."""

    def __init__(self, cache_url: str, clock: Clock = SYSTEM_CLOCK) -> None:
        from limits.aio.strategies import MovingWindowRateLimiter

        self._opened = LimitStorage(cache_url)
        self._storage = self._opened.storage
        self._limiter = MovingWindowRateLimiter(self._storage)
        self._clock = clock

    async def attempt(self, account: str, address: str) -> None:
        """Count an attempt, at once so that a thousand at the same moment are a thousand, and let it through.

        `account` is the e-mail that was typed, known or not, so that the answer says nothing of who is there, or a word
        for what anybody may try (`reset`), which has no allowance of its own; `address` the client's
        (shared.addresses). Raises Rejected (RATE_LIMITED, with Retry-After), ThrottleUnavailableError where
        the cache is away.
        """
        pair, source, strangers = _names(account, address)
        limits = [(PAIR, pair, "pair")]
        if address not in LOOPBACK:  # whoever is on this machine shares its address with everybody there
            limits.append((SOURCE, source, "source"))
        with _answering():
            if _AT in account and not await self._storage.get(_known(pair)):
                limits.append((STRANGERS, strangers, "strangers"))
            for rate, name, limit in limits:
                item = _item(rate)
                if not await self._limiter.hit(item, _NAMESPACE, name):
                    stats = await self._limiter.get_window_stats(item, _NAMESPACE, name)
                    raise _refused(limit, max(1, round(stats.reset_time - self._clock.micros() / 1_000_000)))

    async def succeeded(self, account: str, address: str) -> None:
        """Remember the address for the account, and forget its failures there. Raises ThrottleUnavailableError."""
        pair, _, _ = _names(account, address)
        with _answering():
            await self._storage.incr(_known(pair), KNOWN_SECONDS)
            await self._limiter.clear(_item(PAIR), _NAMESPACE, pair)

    async def close(self) -> None:
        """Drop the connections."""
        await self._opened.close()


def _item(rate: Rate) -> "RateLimitItem":
    from limits import RateLimitItemPerSecond

    return RateLimitItemPerSecond(rate.amount, rate.seconds)


def _known(pair: str) -> str:
    return f"{_NAMESPACE}:known:{pair}"


def _names(account: str, address: str) -> tuple[str, str, str]:
    """The counters' names: digests, so that the cache holds nobody's e-mail or address."""
    who = account.strip().lower()
    return _digest(f"{who}\n{address}"), _digest(f"\n{address}"), _digest(f"{who}\n")


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _refused(limit: str, seconds: int) -> Rejected:
    metrics.RATE_LIMITED.labels(f"login_{limit}").inc()
    rejected = Rejected(Refusal.RATE_LIMITED, f"too many attempts; try again in {seconds} s")
    rejected.headers = {"retry-after": str(seconds)}
    return rejected


@contextmanager
def _answering() -> Iterator[None]:
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise ThrottleUnavailableError("the cache is away, and no sign-in is let through without it") from error

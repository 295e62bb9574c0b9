"""Signing in, throttled on a real Valkey: guessers are stopped, the owner is not locked out, no cache means no."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.refusals import Refusal, Rejected
from shared.security.limits import CacheCounts, CountsAwayError, Meter, Rate
from shared.security.throttle import LoginThrottle, ThrottleUnavailableError
from tests.valkey_server import ValkeyServer

OWNER = "owner@example.com"
HOME = "198.51.100.7"


@pytest.fixture
async def throttle(cache_url: str) -> AsyncIterator[LoginThrottle]:
    opened = LoginThrottle(cache_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="module")
def cache_url() -> Iterator[str]:
    server = ValkeyServer().start()
    yield server.url
    server.remove()


async def attempts(throttle: LoginThrottle, account: str, address: str, count: int) -> int:
    """How many of so many attempts were let through."""
    refused: list[Rejected] = []
    for _ in range(count):
        try:
            await throttle.attempt(account, address)
        except Rejected as rejected:
            refused.append(rejected)
    assert all(one.refusal is Refusal.RATE_LIMITED for one in refused)
    assert all(1 <= int(one.headers["retry-after"]) <= 3_600 for one in refused)
    return count - len(refused)


async def test_a_guesser_has_eight_tries_and_a_success_gives_them_back(throttle: LoginThrottle) -> None:
    assert await attempts(throttle, "a@example.com", HOME, 10) == 8
    await throttle.succeeded("a@example.com", HOME)
    assert await attempts(throttle, "A@example.com ", HOME, 10) == 8


async def test_a_thousand_attempts_at_once_are_a_thousand(throttle: LoginThrottle) -> None:
    found = await asyncio.gather(*(attempts(throttle, "b@example.com", "192.0.2.9", 1) for _ in range(1_000)))
    assert sum(found) == 8


async def test_an_account_that_strangers_hammer_lets_its_owner_in(throttle: LoginThrottle) -> None:
    await throttle.attempt(OWNER, HOME)
    await throttle.succeeded(OWNER, HOME)
    through = 0
    for number in range(40):
        through += await attempts(throttle, OWNER, f"203.0.113.{number}", 3)
    assert through == 59  # the owner was a stranger once
    assert await attempts(throttle, OWNER, "203.0.113.200", 1) == 0
    assert await attempts(throttle, OWNER, HOME, 1) == 1


async def test_one_address_cannot_try_every_account(throttle: LoginThrottle) -> None:
    through = 0
    for number in range(160):
        through += await attempts(throttle, f"{number}@example.com", "192.0.2.77", 1)
    assert through == 150


async def test_without_the_cache_nobody_signs_in_and_everybody_reads(tmp_path: Path) -> None:
    nowhere = f"unix://{tmp_path}/none.sock"
    throttle, counts = LoginThrottle(nowhere), CacheCounts(nowhere)
    with pytest.raises(ThrottleUnavailableError):
        await throttle.attempt(OWNER, HOME)
    with pytest.raises(CountsAwayError):
        await counts.add("a", 60, 1)
    await throttle.close()
    await counts.close()
    meter = Meter(CacheCounts(nowhere))
    assert meter.take("a", Rate(1, 60)).allowed
    await meter.close()


async def test_two_processes_share_a_limit_through_the_cache(cache_url: str) -> None:
    first, second = Meter(CacheCounts(cache_url)), Meter(CacheCounts(cache_url))
    rate = Rate(100, 3_600)
    for _ in range(30):
        first.take("shared", rate)
        second.take("shared", rate)
    await first.sync()
    await second.sync()
    assert second.take("shared", rate).remaining == 39
    await first.close()
    await second.close()


async def test_what_anybody_may_try_is_limited_by_its_source_alone(throttle: LoginThrottle) -> None:
    for number in range(100):
        assert await attempts(throttle, "reset", f"198.18.0.{number}", 1) == 1
    assert await attempts(throttle, "reset", "198.18.1.1", 10) == 8

"""One contract, held by the cache in memory and the cache on a real Valkey; then what only a server goes through."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from shared.cache import (
    EMPTY,
    KEPT_MINUTES,
    MOST_NAMES,
    MOST_PROJECTS,
    Cache,
    CacheUnavailableError,
    Window,
    open_cache,
)
from shared.config import ConfigError
from tests.valkey_server import ValkeyServer

NOW = 29_000_000  # whole minutes since 1970
FIRST = NOW + 2  # the first minute a cache that is new now can answer for


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture
def broken() -> Iterator[ValkeyServer]:
    """A server of its own for a test that stops or empties it."""
    server = ValkeyServer().start()
    yield server
    server.remove()


@pytest.fixture(params=["memory", "valkey"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    url = "memory://"
    if request.param == "valkey":
        server: ValkeyServer = request.getfixturevalue("valkey")
        server.command("FLUSHALL")
        url = server.url
    opened = open_cache(url)
    yield opened
    await opened.close()


@pytest.fixture
def project() -> str:
    return str(uuid4())


async def begun(cache: Cache, project: str, now: int = NOW) -> None:
    """The project's windows exist: from `now` + 2 on they are complete."""
    await cache.count(project, str(uuid4()), {now: {"first": 1}}, now)


async def one(cache: Cache, project: str, minute: int, now: int = FIRST) -> Window | None:
    [window] = await cache.windows(project, minute, minute, now)
    return window


async def test_a_project_nobody_counted_is_unknown_and_not_empty(cache: Cache, project: str) -> None:
    assert await cache.windows(project, NOW - 2, NOW, NOW) == [None, None, None]


async def test_minutes_that_had_begun_before_the_first_record_stay_unknown(cache: Cache, project: str) -> None:
    await begun(cache, project)
    await cache.count(project, "r", {NOW + 1: {"a": 1}, FIRST: {"a": 2}}, NOW + 1)
    assert await cache.windows(project, NOW - 1, FIRST + 1, FIRST) == [
        None,
        None,
        None,
        Window({"a": 2}, 0),
        EMPTY,
    ]


async def test_counts_of_many_records_add_up_by_name_the_largest_first(cache: Cache, project: str) -> None:
    await begun(cache, project)
    for number in range(5):
        await cache.count(project, f"r{number}", {FIRST: {"view": 3, "ä b\n": 1}, FIRST + 1: {"view": 1}}, FIRST)
    windows = await cache.windows(project, FIRST, FIRST + 1, FIRST)
    assert windows == [Window({"view": 15, "ä b\n": 5}, 0), Window({"view": 5}, 0)]
    assert windows[0] is not None
    assert list(windows[0].counts) == ["view", "ä b\n"]
    assert windows[0].total == 20


async def test_a_record_that_comes_again_counts_once_in_each_of_its_minutes(cache: Cache, project: str) -> None:
    await begun(cache, project)
    record = str(uuid4())
    await cache.count(project, record, {FIRST: {"a": 1}}, FIRST)
    for _ in range(3):
        await cache.count(project, record, {FIRST: {"a": 1}, FIRST + 1: {"a": 4}}, FIRST)
    assert await cache.windows(project, FIRST, FIRST + 1, FIRST) == [Window({"a": 1}, 0), Window({"a": 4}, 0)]


async def test_concurrent_repeats_count_once(cache: Cache, project: str) -> None:
    await begun(cache, project)
    await asyncio.gather(*(cache.count(project, f"r{n % 10}", {FIRST: {"a": 1}}, FIRST) for n in range(100)))
    assert await one(cache, project, FIRST) == Window({"a": 10}, 0)


async def test_projects_do_not_see_each_other(cache: Cache, project: str) -> None:
    other = str(uuid4())
    for name in (project, other):
        await begun(cache, name)
    await cache.count(project, "r", {FIRST: {"a": 1}}, FIRST)
    assert await one(cache, other, FIRST) == EMPTY


async def test_names_beyond_the_most_kept_count_together(cache: Cache, project: str) -> None:
    await begun(cache, project)
    names = [f"n{number:04}" for number in range(MOST_NAMES + 30)]
    await cache.count(project, "r1", {FIRST: dict.fromkeys(names, 1)}, FIRST)
    await cache.count(project, "r2", {FIRST: dict.fromkeys(names, 2)}, FIRST)
    assert await one(cache, project, FIRST) == Window(dict.fromkeys(names[:MOST_NAMES], 3), 90)


async def test_what_is_older_than_the_minutes_kept_is_unknown_and_left_alone(cache: Cache, project: str) -> None:
    await begun(cache, project)
    await cache.count(project, "r1", {FIRST: {"a": 1}}, FIRST)
    later = FIRST + KEPT_MINUTES
    await cache.count(project, "r2", {FIRST: {"a": 1}, later: {"a": 1}}, later)
    assert await one(cache, project, FIRST, later) is None
    assert await one(cache, project, FIRST + 1, later) == EMPTY
    assert await one(cache, project, later, later) == Window({"a": 1}, 0)


async def test_a_minute_of_too_many_records_is_given_up(
    cache: Cache, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("memory", "valkey"):
        monkeypatch.setattr(f"shared.cache.{module}.MOST_RECORDS", 10)
    await begun(cache, project)
    for number in range(12):
        await cache.count(project, f"r{number}", {FIRST: {"a": 1}, FIRST + 1 + number % 2: {"a": 1}}, FIRST)
    assert await cache.windows(project, FIRST, FIRST + 2, FIRST) == [None, Window({"a": 6}, 0), Window({"a": 6}, 0)]


async def test_projects_beyond_the_most_kept_are_unknown_until_others_fall_silent(cache: Cache, project: str) -> None:
    for number in range(MOST_PROJECTS):
        await begun(cache, f"p{number}")
    await begun(cache, project)
    await cache.count(project, "r", {FIRST: {"a": 1}}, FIRST)
    assert await one(cache, project, FIRST) is None
    later = NOW + KEPT_MINUTES + 1
    await begun(cache, project, later)
    assert await one(cache, project, later + 2, later + 2) == EMPTY


async def test_ping_answers(cache: Cache) -> None:
    await cache.ping()


@pytest.mark.parametrize("url", ["kafka://secret@host", "", "redis://host:secret/0"])
async def test_an_unusable_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_cache(url)
    assert "secret" not in str(refused.value)


# What only a server can go through.


@pytest.fixture
async def fragile(broken: ValkeyServer) -> AsyncIterator[Cache]:
    opened = open_cache(broken.url)
    yield opened
    await opened.close()


async def filled(cache: Cache, project: str) -> None:
    await begun(cache, project)
    for number in range(3):
        await cache.count(project, f"r{number}", {FIRST: {"a": 1}, FIRST + 1: {"b": 2}}, FIRST)


@pytest.mark.parametrize("suffix", [f":{FIRST}", f":{FIRST}:records"])
async def test_a_window_that_was_evicted_in_part_is_lost_for_good_and_never_too_small(
    broken: ValkeyServer, fragile: Cache, project: str, suffix: str
) -> None:
    await filled(fragile, project)
    assert b":1" in broken.command(f"DEL sluice-live:{project}{suffix}")
    for number in range(5):
        await fragile.count(project, f"r{number}", {FIRST: {"a": 1}, FIRST + 1: {"b": 2}}, FIRST)
    assert await fragile.windows(project, FIRST, FIRST + 1, FIRST) == [None, Window({"b": 10}, 0)]


async def test_an_evicted_index_makes_all_before_unknown(broken: ValkeyServer, fragile: Cache, project: str) -> None:
    await filled(fragile, project)
    assert b":1" in broken.command(f"DEL sluice-live:{project}")
    assert await fragile.windows(project, FIRST, FIRST + 1, FIRST) == [None, None]
    await fragile.count(project, "r9", {FIRST + 1: {"b": 2}, FIRST + 2: {"b": 2}}, FIRST)
    assert await fragile.windows(project, FIRST, FIRST + 2, FIRST) == [None, None, Window({"b": 2}, 0)]


async def test_after_the_server_was_killed_what_it_may_have_forgotten_is_unknown(
    broken: ValkeyServer, fragile: Cache, project: str
) -> None:
    await filled(fragile, project)
    broken.kill()
    with pytest.raises(CacheUnavailableError):
        await fragile.count(project, "r9", {FIRST: {"a": 1}}, FIRST)
    with pytest.raises(CacheUnavailableError):
        await fragile.windows(project, FIRST, FIRST, FIRST)
    broken.start()
    await fragile.count(project, "r9", {FIRST: {"a": 1}}, FIRST)
    assert await fragile.windows(project, FIRST, FIRST + 1, FIRST) == [None, None]
    await begun(fragile, project, FIRST)
    await fragile.count(project, "r10", {FIRST + 2: {"a": 1}}, FIRST)
    assert await fragile.windows(project, FIRST + 1, FIRST + 2, FIRST) == [None, Window({"a": 1}, 0)]


async def test_everything_of_a_project_ends_by_itself(broken: ValkeyServer, fragile: Cache, project: str) -> None:
    await filled(fragile, project)
    for suffix in ("", f":{FIRST}", f":{FIRST}:records"):
        left = int(broken.command(f"TTL sluice-live:{project}{suffix}")[1:])
        assert KEPT_MINUTES * 60 < left <= (KEPT_MINUTES + 2) * 60

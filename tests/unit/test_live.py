"""Live windows from records, and what is answered where they are lost."""

import uuid
from typing import Any

import msgspec
import pytest

from functions.live.logic import LiveAnswer, LiveQuery, live_counts, watch
from shared.bus import Message
from shared.cache import KEPT_MINUTES, MOST_NAMES, Cache, CacheUnavailableError, Window
from shared.cache.memory import MemoryCache
from shared.clock import FixedClock, to_datetime
from shared.events import Row, encode_line, record
from shared.ids import uuid7
from shared.warehouse.client import Answer

PROJECT = uuid.UUID("0190aaaa-0000-7000-8000-000000000001")
NOW = 29_000_000
MINUTE = 60_000_000


class Recording:
    """A warehouse that answers with the given rows and remembers what it was asked."""

    def __init__(self, *rows: tuple[Any, ...]) -> None:
        self.rows = list(rows)
        self.asked: list[dict[str, Any]] = []

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer:
        assert "FROM events FINAL" in sql
        self.asked.append(parameters)
        return Answer(("minute", "event", "events", "total"), self.rows, 0)


def at(minute: float) -> str:
    return to_datetime(round(minute * MINUTE)).replace(tzinfo=None).isoformat(" ", "microseconds")


def batch(*events: tuple[str, float], project: uuid.UUID = PROJECT, batch_id: uuid.UUID | None = None) -> Message:
    """A record of events: each a name and the minute, broken where it was received within it."""
    lines = [encode_line(Row(name, str(uuid7()), at(1_000), at(minute))) for name, minute in events]
    return record(project_id=str(project), batch_id=batch_id or uuid7(), lines=lines, micros=NOW * MINUTE)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW * MINUTE)


@pytest.fixture
async def cache(clock: FixedClock) -> Cache:
    """A cache that has watched the project since two minutes ago."""
    made = MemoryCache()
    await made.count(str(PROJECT), "first", {NOW - 10: {"x": 1}}, NOW - 10)
    return made


async def window(cache: Cache, minute: int) -> Window | None:
    [found] = await cache.windows(str(PROJECT), minute, minute, NOW)
    return found


async def test_events_count_in_the_minute_they_were_received_in(cache: Cache, clock: FixedClock) -> None:
    message = batch(("a", NOW - 1), ("a", NOW - 1 + 0.999), ("b", NOW), ("a", NOW + 0.5))
    for _ in range(3):
        await watch(message, cache, clock)
    assert await window(cache, NOW - 1) == Window({"a": 2}, 0)
    assert await window(cache, NOW) == Window({"a": 1, "b": 1}, 0)


async def test_lines_that_are_no_rows_of_the_project_are_passed_over(cache: Cache, clock: FixedClock) -> None:
    good = batch(("a", NOW))
    other = batch(("a", NOW), project=uuid7())
    strange = b'\xff\n[1]\n{"event":1}\n' + other.data + good.data.replace(b'"received_at":"2', b'"received_at":"x')
    await watch(Message(good.attributes, strange + good.data), cache, clock)
    assert await window(cache, NOW) == Window({"a": 1}, 0)


@pytest.mark.parametrize("attributes", [{}, {"project": "p"}, {"id": "x", "project": str(PROJECT)}])
async def test_what_is_no_record_changes_nothing(cache: Cache, clock: FixedClock, attributes: dict[str, str]) -> None:
    await watch(Message(attributes, b"hello"), cache, clock)
    assert await window(cache, NOW) == Window({}, 0)


async def ask(
    cache: Cache, warehouse: Recording, clock: FixedClock, minutes: int = 4, project: uuid.UUID = PROJECT
) -> LiveAnswer:
    return await live_counts(LiveQuery(minutes=minutes), project, cache, warehouse, clock)


async def test_minutes_are_answered_from_the_cache_and_the_last_one_is_under_way(
    cache: Cache, clock: FixedClock
) -> None:
    await watch(batch(("a", NOW - 1), ("b", NOW - 1), ("b", NOW - 1)), cache, clock)
    warehouse = Recording()
    answer = await ask(cache, warehouse, clock, 3)
    assert [(one.total, one.events, one.source) for one in answer.minutes] == [
        (0, {}, "cache"),
        (3, {"b": 2, "a": 1}, "cache"),
        (0, {}, "cache"),
    ]
    assert [one.minute for one in answer.minutes] == [
        at(NOW + back).replace(" ", "T").replace(".000000", "Z") for back in (-2, -1, 0)
    ]
    assert answer.incomplete_last
    assert warehouse.asked == []


async def test_lost_minutes_are_answered_by_the_warehouse_and_only_those(cache: Cache, clock: FixedClock) -> None:
    await watch(batch(("a", NOW)), cache, clock)
    warehouse = Recording((NOW - 10, "old", 5, 7), (NOW, "a", 99, 99))
    answer = await ask(cache, warehouse, clock, 12)
    assert [(one.total, one.rest, one.source) for one in answer.minutes] == [
        (0, 0, "warehouse"),
        (7, 2, "warehouse"),
        (0, 0, "warehouse"),
        *[(0, 0, "cache")] * 8,
        (1, 0, "cache"),
    ]
    [asked] = warehouse.asked
    assert sorted(value for value in asked.values() if value != str(PROJECT)) == [at(NOW - 11)[:19], at(NOW - 8)[:19]]


async def test_without_the_cache_the_warehouse_answers_everything(clock: FixedClock) -> None:
    class Away(MemoryCache):
        async def windows(self, project: str, first: int, last: int, now: int) -> list[Window | None]:
            raise CacheUnavailableError("the cache is away")

    answer = await ask(Away(), Recording((NOW - 1, "a", 2, 2)), clock, 2)
    assert [(one.total, one.source) for one in answer.minutes] == [(2, "warehouse"), (0, "warehouse")]


@pytest.mark.parametrize("minutes", [0, -1, 61, 1.5, "x"])
def test_minutes_that_are_not_kept_cannot_be_asked_for(minutes: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"minutes": minutes}, LiveQuery)


async def test_two_hundred_thousand_records_are_held_in_bounded_memory() -> None:
    """Two hours of twenty projects, with a flood of names, and every third record delivered twice."""
    cache, per_minute, projects = MemoryCache(), 84, [str(uuid7()) for _ in range(20)]
    names = [f"event-{number}" for number in range(3 * MOST_NAMES)]
    most, sent = 0, 0
    for minute in range(NOW, NOW + 120):
        for number in range(per_minute * len(projects)):
            project, name = projects[number % len(projects)], names[number * 7 % len(names)]
            for _ in range(2 if number % 3 == 0 else 1):
                await cache.count(project, f"{minute}-{number}", {minute: {name: 2}}, minute)
            sent += 1
        most = max(most, _held(cache))
    assert sent >= 200_000
    assert most <= len(projects) * KEPT_MINUTES * (per_minute + MOST_NAMES)
    last = NOW + 119
    found = [window for project in projects for window in await cache.windows(project, last - 58, last, last)]
    assert {window.total for window in found if window} == {2 * per_minute}
    assert None not in found


def _held(cache: MemoryCache) -> int:
    """How many records and names the cache holds: all that grows."""
    windows = [window for known in cache._projects.values() for window in known.windows.values()]
    return sum(len(window.records) + len(window.names) for window in windows)

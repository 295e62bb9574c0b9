"""Minutes the cache has lost, counted on the real engine."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from functions.live.logic import LiveAnswer, LiveQuery, live_counts, watch
from shared.cache import MOST_NAMES
from shared.cache.memory import MemoryCache
from tests.integration.reading import NOW, Stored, batch, row, stored, text_of

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("live")) as found:
        yield found


def ask(engine: Stored, project: uuid.UUID, minutes: int = 5, cache: MemoryCache | None = None) -> LiveAnswer:
    query, known = LiveQuery(minutes=minutes), cache or MemoryCache()
    return engine.run(live_counts(query, project, known, engine.warehouse, engine.clock))


def test_events_count_by_when_they_came_whenever_they_happened_and_once(engine: Stored) -> None:
    project, late, same = uuid.uuid4(), timedelta(days=400), str(uuid.uuid4())
    at = {back: text_of(NOW - back * MINUTE) for back in range(6)}
    message = batch(
        project,
        row("view", late, received_at=at[1]),
        row("view", received_at=at[1]),
        row("buy", received_at=at[1]),
        row("view", received_at=at[3], event_id=same),
        row("view", received_at=text_of(NOW - 2 * MINUTE - timedelta(microseconds=1)), event_id=same),
        row("view", received_at=at[5]),
    )
    engine.put(message)
    engine.put(message)
    engine.put(batch(uuid.uuid4(), row("view", received_at=at[1])))
    answer = ask(engine, project)
    assert [(one.total, one.events) for one in answer.minutes] == [
        (0, {}),
        (1, {"view": 1}),
        (0, {}),
        (3, {"view": 2, "buy": 1}),
        (0, {}),
    ]
    assert {one.source for one in answer.minutes} == {"warehouse"}
    assert answer.minutes[-1].minute == "2026-03-31T12:00:00Z"
    assert answer.range == {
        "from": "2026-03-31T11:56:00+00:00",
        "to": "2026-03-31T12:01:00+00:00",
        "timezone": "UTC",
    }


def test_names_beyond_the_hundred_most_frequent_count_together(engine: Stored) -> None:
    project = uuid.uuid4()
    rows = [row(f"n{number:03}") for number in range(MOST_NAMES + 20)] + [row("n119"), row("n119")]
    engine.put(batch(project, *rows))
    [minute] = ask(engine, project, 1).minutes
    assert (minute.total, len(minute.events), minute.rest) == (MOST_NAMES + 22, MOST_NAMES, 20)
    assert next(iter(minute.events.items())) == ("n119", 3)


def test_the_cache_and_the_warehouse_say_the_same_of_the_same_records(engine: Stored) -> None:
    project, cache = uuid.uuid4(), MemoryCache()
    now = int(datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp()) // 60
    engine.run(cache.count(str(project), "first", {now - 9: {"x": 1}}, now - 9))
    for number in range(40):
        ago = timedelta(seconds=number * 7)
        message = batch(project, row(f"e{number % 4}", ago, received_at=text_of(NOW - ago)))
        engine.put(message)
        for _ in range(1 + number % 2):
            engine.run(watch(message, cache, engine.clock))
    from_cache, from_warehouse = ask(engine, project, 5, cache), ask(engine, project, 5)
    assert {one.source for one in from_cache.minutes} == {"cache"}
    assert {one.source for one in from_warehouse.minutes} == {"warehouse"}
    assert [(one.minute, one.total, one.events) for one in from_cache.minutes] == [
        (one.minute, one.total, one.events) for one in from_warehouse.minutes
    ]
    assert sum(one.total for one in from_cache.minutes) == 35

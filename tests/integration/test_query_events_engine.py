"""Whole events on the real engine: each once, newest first, unchanged, and page by page without a gap or a repeat."""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from functions.query_events.logic import EventsAnswer, EventsQuery, latest
from shared.events import Row
from shared.query.filters import Filter
from shared.refusals import Refusal, Rejected
from tests.integration.reading import NOW, Stored, batch, row, stored

DAY = timedelta(days=1)
MICRO = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("events")) as found:
        yield found


def ask(engine: Stored, project: uuid.UUID, **more: Any) -> EventsAnswer:
    return engine.run(latest(EventsQuery(**more), project, engine.warehouse, engine.clock))


def names(answer: EventsAnswer) -> list[str]:
    return [item.event for item in answer.items]


def walk(engine: Stored, project: uuid.UUID, **more: Any) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = ask(engine, project, cursor=cursor, **more)
        found += [item.event_id for item in answer.items]
        if answer.next_cursor is None:
            return found
        cursor = answer.next_cursor


ODD = b'{"b" : 1.10,"a":null, "big":123456789012345678901234567890,"n":{},"x":"\\u00e9 \\/ \xc3\xa9","l":[ ]}'
WHOLE: dict[str, Any] = {
    "user_id": "u1",
    "anonymous_id": "a1",
    "session_id": "s1",
    "client_id": "order-17",
    "sent_at": "2026-03-31 11:59:59.500000",
    "url": "https://shop.example/a?b=1",
    "hostname": "shop.example",
    "path": "/a",
    "referrer": "https://search.example/",
    "referrer_domain": "search.example",
    "utm_source": "us",
    "utm_medium": "um",
    "utm_campaign": "uc",
    "utm_term": "ut",
    "utm_content": "uo",
    "channel": "Organic Search",
    "browser": "Firefox",
    "browser_version": "140",
    "os": "Linux",
    "os_version": "6",
    "device": "desktop",
    "country": "NL",
    "ip": "192.0.2.0",
    "bot": True,
    "bot_reason": "name",
    "library": "js",
    "library_version": "1.0",
    "revenue": 12.5,
    "currency": "EUR",
    "lookups": {"products.name": "Tea"},
}


def test_an_event_comes_back_whole_and_its_json_byte_for_byte(engine: Stored) -> None:
    project = uuid.uuid4()
    sent = row("it's ключ", DAY, ODD, context_raw=msgspec.Raw(ODD), **WHOLE)
    [record] = engine.put(batch(project, sent))
    body = msgspec.json.encode(ask(engine, project, timezone="Europe/Berlin"))
    assert body.count(b'"properties":' + ODD) == 1
    assert body.count(b'"context":' + ODD) == 1
    [item] = json.loads(body)["items"]
    del item["properties"], item["context"]
    assert item == {
        **WHOLE,
        "event": "it's ключ",
        "event_id": sent.event_id,
        "batch_id": record.batch_id,
        "timestamp": "2026-03-30T14:00:00.000000+02:00",
        "received_at": "2026-03-31T14:00:00.000000+02:00",
        "sent_at": "2026-03-31T13:59:59.500000+02:00",
    }


def test_every_column_that_ingest_fills_is_in_the_answer(engine: Stored) -> None:
    fields = {name.removesuffix("_raw") for name in Row.__struct_fields__}
    project = uuid.uuid4()
    engine.put(batch(project, row("x")))
    [item] = ask(engine, project).items
    assert set(item.__struct_fields__) == fields | {"batch_id"}
    assert {name for name in item.__struct_fields__ if getattr(item, name) is not None} == {
        "event",
        "event_id",
        "timestamp",
        "received_at",
        "batch_id",
        "properties",
        "context",
        "bot",
        "lookups",
    }


def test_the_newest_come_first_from_any_age_and_a_day_ahead(engine: Stored) -> None:
    project = uuid.uuid4()
    ages = {"old": 3_000, "year": 400, "month": 30, "week": 6, "now": 0, "ahead": -0.9}
    engine.put(batch(project, *(row(name, days * DAY) for name, days in ages.items())))
    expected = ["ahead", "now", "week", "month", "year", "old"]
    assert names(ask(engine, project)) == expected
    for limit in range(1, 7):
        assert names(ask(engine, project, limit=limit)) == expected[:limit]


def test_pages_hold_every_event_once_though_times_are_tied(engine: Stored) -> None:
    project, chance = uuid.uuid4(), random.Random(5)
    same = str(uuid.uuid4())
    rows = [
        row(
            chance.choice(["a", "b", "ключ"]),
            chance.choice([0, 1, 5, 20, 90]) * DAY,
            event_id=same if chance.random() < 0.2 else str(uuid.uuid4()),
            user_id=str(number),
        )
        for number in range(200)
    ]
    engine.put(batch(project, *rows))
    engine.put(batch(project, *rows[:90]))
    everything = [
        (item.timestamp, item.event_id, item.event, item.user_id) for item in ask(engine, project, limit=1000).items
    ]
    assert len(set(everything)) == len(everything) == 200
    assert [time for time, *_ in everything] == sorted((time for time, *_ in everything), reverse=True)
    for limit in (1, 7, 199, 200):
        assert walk(engine, project, limit=limit) == [event_id for _, event_id, *_ in everything]


def test_an_event_that_comes_while_someone_reads_shifts_no_page(engine: Stored) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *(row(str(number), number * DAY) for number in range(6))))
    first = ask(engine, project, limit=3)
    engine.put(batch(project, row("new"), row("late", 3.5 * DAY)))
    second = ask(engine, project, limit=10, cursor=first.next_cursor or "")
    assert (names(first), names(second)) == (["0", "1", "2"], ["3", "late", "4", "5"])
    assert second.range == first.range


def test_the_last_delivered_repeat_is_the_one_that_is_shown(engine: Stored) -> None:
    project, event_id = uuid.uuid4(), str(uuid.uuid4())
    for second, plan in enumerate(["free", "team"]):
        repeat = row("x", DAY, {"plan": plan}, event_id=event_id, received_at=f"2026-03-31 12:00:0{second}.000000")
        engine.put(batch(project, repeat))
    [item] = ask(engine, project).items
    assert bytes(item.properties) == b'{"plan": "team"}'
    assert ask(engine, project, filters=[Filter("properties.plan", "eq", "free")]).items == []


def test_events_users_filters_and_the_range_narrow_the_list(engine: Stored) -> None:
    project = uuid.uuid4()
    engine.put(
        batch(
            project,
            row("view", DAY, {"n": 1}, user_id="u1"),
            row("buy", 2 * DAY, {"n": 2}, user_id="u2"),
            row("view", 3 * DAY, {"n": 3}, user_id="u3"),
            row("view", 60 * DAY, {"n": 4}, user_id="u1"),
        )
    )
    for more, expected in (
        ({"events": ["view"]}, [1, 3, 4]),
        ({"users": ["u1", "u2"]}, [1, 2, 4]),
        ({"user_id": "u1"}, [1, 4]),
        ({"user_id": "u1", "users": ["u2"]}, []),
        ({"filters": [Filter("properties.n", "gte", 2)]}, [2, 3, 4]),
        ({"start": "2026-03-28T12:00:00Z", "end": "2026-03-30T12:00:00Z"}, [2, 3]),
        ({"start": "2026-03-29"}, [1, 2]),
        ({"end": "2026-03-28"}, [3, 4]),
    ):
        found = [json.loads(bytes(item.properties))["n"] for item in ask(engine, project, **more).items]
        assert found == expected, more


def test_another_projects_events_are_never_shown(engine: Stored) -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()
    same = [row(str(number), DAY) for number in range(4)]
    engine.put(batch(mine, *same[:2]), batch(other, *same))
    assert sorted(names(ask(engine, mine))) == ["0", "1"]
    cursor = ask(engine, other, limit=1).next_cursor or ""
    with pytest.raises(Rejected) as caught:
        ask(engine, mine, limit=1, cursor=cursor)
    assert caught.value.refusal is Refusal.BAD_CURSOR


def test_without_events_the_page_is_empty_and_the_last(engine: Stored) -> None:
    answer = ask(engine, uuid.uuid4())
    assert (answer.items, answer.next_cursor) == ([], None)
    assert answer.range == {
        "from": "1970-01-01T00:00:00+00:00",
        "to": (NOW + DAY).isoformat(),
        "timezone": "UTC",
    }


def test_a_pattern_that_is_not_re2_is_the_callers_fault(engine: Stored) -> None:
    with pytest.raises(Rejected) as caught:
        ask(engine, uuid.uuid4(), filters=[Filter("event", "regex", "(")])
    assert caught.value.refusal is Refusal.BAD_FILTER

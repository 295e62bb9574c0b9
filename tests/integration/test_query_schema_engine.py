"""What there is to ask for, on the real engine, against plain Python over the same events."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from functions.query_schema.logic import (
    NamesQuery,
    PropertiesQuery,
    Property,
    SchemaAnswer,
    Value,
    ValuesQuery,
    events,
    properties,
    values,
)
from shared.refusals import Refusal, Rejected
from tests.integration.reading import Stored, batch, row, stored

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("schema")) as found:
        yield found


def ask_properties(engine: Stored, project: uuid.UUID, **more: Any) -> SchemaAnswer[Property]:
    return engine.run(properties(PropertiesQuery(**more), project, engine.warehouse, engine.clock))


def ask_values(engine: Stored, project: uuid.UUID, **more: Any) -> SchemaAnswer[Value]:
    return engine.run(values(ValuesQuery(**more), project, engine.warehouse, engine.clock))


def test_event_names_are_counted_once_a_repeat_with_when_they_were_seen(engine: Stored) -> None:
    project = uuid.uuid4()
    rows = [row("view", days * DAY) for days in (0, 1, 2)] + [row("ключ, it's", 5 * DAY), row("old", 40 * DAY)]
    engine.put(batch(project, *rows))
    engine.put(batch(project, *rows[:2]))
    answer = engine.run(events(NamesQuery(timezone="Europe/Berlin"), project, engine.warehouse, engine.clock))
    assert [(item.event, item.count, item.first_seen, item.last_seen) for item in answer.items] == [
        ("view", 3, "2026-03-29T14:00:00.000000+02:00", "2026-03-31T14:00:00.000000+02:00"),
        ("ключ, it's", 1, "2026-03-26T13:00:00.000000+01:00", "2026-03-26T13:00:00.000000+01:00"),
    ]
    assert answer.range["from"] == "2026-03-02T13:00:00+01:00"
    everything = engine.run(events(NamesQuery(start="2026-01-01"), project, engine.warehouse, engine.clock))
    assert {item.event for item in everything.items} == {"view", "ключ, it's", "old"}
    found = engine.run(events(NamesQuery(q="КЛ"), project, engine.warehouse, engine.clock))
    assert [item.event for item in found.items] == ["ключ, it's"]


TREES: list[dict[str, Any]] = [
    {"plan": "pro", "price": 5, "cart": {"total": 1.5, "currency": "EUR"}, "ok": True},
    {"plan": "free", "price": 5.5, "cart": {"total": 2}, "ok": False, "tags": ["a", "b"]},
    {"plan": "pro", "price": "7", "items": [{"sku": "x", "q": 2}], "big": 2**63},
    {"plan": None, "empty": {}, "tags": [], "cart.total": 9, "when": "2026-01-01T10:00:00Z"},
    {"a..b": 1, "quote'`\\": 1, "tab\there": 1, "x" * 301: 1, "long": "y" * 300},
]


def filled(engine: Stored) -> uuid.UUID:
    project = uuid.uuid4()
    rows = [row("buy" if number % 2 else "view", number * DAY, tree) for number, tree in enumerate(TREES)]
    engine.put(batch(project, *rows, row("old", 40 * DAY, {"old": 1})))
    engine.put(batch(project, *rows[:3]))
    return project


def test_properties_have_their_types_with_counts_at_any_depth(engine: Stored) -> None:
    found = {item.property: item for item in ask_properties(engine, filled(engine)).items}
    assert {name: (item.count, item.types) for name, item in found.items()} == {
        "plan": (3, {"string": 3}),
        "price": (3, {"integer": 1, "number": 1, "string": 1}),
        "cart.total": (3, {"integer": 2, "number": 1}),
        "cart.currency": (1, {"string": 1}),
        "ok": (2, {"boolean": 2}),
        "tags": (2, {"array": 2}),
        "items": (1, {"array of objects": 1}),
        "big": (1, {"integer": 1}),
        "when": (1, {"string": 1}),
        "a..b": (1, {"integer": 1}),
        "quote'`\\": (1, {"integer": 1}),
        "tab\there": (1, {"integer": 1}),
        "x" * 301: (1, {"integer": 1}),
        "long": (1, {"string": 1}),
    }


def test_examples_are_values_as_they_were_sent(engine: Stored) -> None:
    found = {item.property: item for item in ask_properties(engine, filled(engine)).items}
    examples = {name: [json.loads(bytes(text)) for text in item.examples] for name, item in found.items()}
    assert sorted(examples["plan"]) == ["free", "pro"]
    assert sorted(map(str, examples["price"])) == ["5", "5.5", "7"]
    assert "7" in examples["price"]
    assert sorted(examples["cart.total"]) == [1.5, 2, 9]
    assert sorted(examples["ok"]) == [False, True]
    assert sorted(examples["tags"]) == [[], ["a", "b"]]
    assert examples["items"] == [[{"sku": "x", "q": 2}]]
    assert examples["big"] == [2**63]
    assert examples["when"] == ["2026-01-01T10:00:00Z"]
    assert examples["quote'`\\"] == [1]
    assert examples["long"] == []


def test_a_property_of_one_event_among_many_has_its_example_too(engine: Stored) -> None:
    project = uuid.uuid4()
    many = "SELECT {p}, 'many', generateUUIDv4(), {t} - number, {t}, concat('{\"n\":', toString(number), '}')"
    at = "toDateTime64('2026-03-30 00:00:00', 6, 'UTC')"
    columns = "project_id, event, event_id, timestamp, received_at, properties_raw"
    sql = f"INSERT INTO events ({columns}) {many} FROM numbers(30000)".replace("{p}", f"toUUID('{project}')").replace(
        "{t}", at
    )
    engine.run(engine.warehouse.command(sql))
    engine.put(batch(project, row("zzz", DAY, {"n": -1, "rare": "here"})))
    found = {item.property: item for item in ask_properties(engine, project).items}
    assert (found["n"].count, len(found["n"].examples)) == (30_001, 3)
    assert (found["rare"].count, list(map(bytes, found["rare"].examples))) == (1, [b'"here"'])


def test_a_property_no_filter_can_name_is_marked(engine: Stored) -> None:
    found = ask_properties(engine, filled(engine)).items
    assert {item.property for item in found if not item.queryable} == {"a..b", "tab\there", "x" * 301}


def test_properties_are_narrowed_to_events_and_a_beginning(engine: Stored) -> None:
    project = filled(engine)
    buy = {item.property: item.count for item in ask_properties(engine, project, event="buy").items}
    assert (buy["plan"], buy["cart.total"], buy["tags"]) == (1, 2, 2)
    assert "items" not in buy
    both = ask_properties(engine, project, events=["buy", "view"]).items
    assert {item.property: item.count for item in both}["plan"] == 3
    for prefix in ("CART", "properties.cart."):
        found = [item.property for item in ask_properties(engine, project, q=prefix).items]
        assert found == ["cart.total", "cart.currency"]
    assert ask_properties(engine, project, event="never").items == []
    old = ask_properties(engine, project, start="2026-01-01", event="old").items
    assert [item.property for item in old] == ["old"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plan", {"pro": 2, "free": 1}),
        ("properties.plan", {"pro": 2, "free": 1}),
        ("price", {"5": 1, "5.5": 1, "7": 1}),
        ("cart.total", {"1.5": 1, "2": 1, "9": 1}),
        ("ok", {"true": 1, "false": 1}),
        ("event", {"view": 3, "buy": 2}),
        ("user_id", {}),
        ("lookups.products.name", {}),
        ("never", {}),
    ],
)
def test_values_are_counted_as_texts(name: str, expected: dict[str, int], engine: Stored) -> None:
    found = ask_values(engine, filled(engine), property=name).items
    assert {item.value: item.count for item in found} == expected
    assert [item.count for item in found] == sorted(expected.values(), reverse=True)


def test_values_are_narrowed_to_events_and_a_beginning_in_any_case(engine: Stored) -> None:
    project = filled(engine)
    assert [item.value for item in ask_values(engine, project, property="plan", event="buy").items] == ["free"]
    assert [item.value for item in ask_values(engine, project, property="plan", q="PR").items] == ["pro"]
    assert ask_values(engine, project, property="plan", q="%").items == []


def test_pages_of_values_hold_each_once_though_their_beginnings_are_the_same(engine: Stored) -> None:
    project = uuid.uuid4()
    texts = [f"{'long ' * 40}{number}" for number in range(12)] + ["ключ", "a", "", "b"] * 2 + ["c"] * 3
    engine.put(batch(project, *(row("x", DAY, {"text": text}) for text in texts)))
    expected = Counter(texts)
    for limit in (1, 2, 5, 16, 17):
        found: list[tuple[str, int]] = []
        cursor = ""
        while True:
            answer = ask_values(engine, project, property="text", limit=limit, cursor=cursor)
            found += [(item.value, item.count) for item in answer.items]
            if answer.next_cursor is None:
                break
            cursor = answer.next_cursor
        assert len(found) == len(expected)
        assert dict(found) == expected
        assert [count for _, count in found] == sorted(expected.values(), reverse=True)


def test_pages_of_properties_and_events_go_on_where_the_last_one_ended(engine: Stored) -> None:
    project = filled(engine)
    first = ask_properties(engine, project, limit=4)
    second = ask_properties(engine, project, limit=1000, cursor=first.next_cursor)
    everything = ask_properties(engine, project, limit=1000)
    assert [item.property for item in first.items + second.items] == [item.property for item in everything.items]
    assert len(first.items) == 4
    query = NamesQuery(limit=1)
    names = engine.run(events(query, project, engine.warehouse, engine.clock))
    rest = NamesQuery(limit=1, cursor=names.next_cursor or "")
    more = engine.run(events(rest, project, engine.warehouse, engine.clock))
    assert ([item.event for item in names.items + more.items], more.next_cursor) == (["view", "buy"], None)


def test_a_cursor_of_one_list_is_refused_by_another(engine: Stored) -> None:
    project = filled(engine)
    names = engine.run(events(NamesQuery(limit=1), project, engine.warehouse, engine.clock))
    with pytest.raises(Rejected) as caught:
        ask_properties(engine, project, limit=1, cursor=names.next_cursor)
    assert caught.value.refusal is Refusal.BAD_CURSOR


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("", Refusal.BAD_REQUEST), ("a..b", Refusal.UNKNOWN_FIELD), ("x" * 400, Refusal.UNKNOWN_FIELD)],
)
def test_a_property_that_cannot_be_is_refused(name: str, refusal: Refusal, engine: Stored) -> None:
    with pytest.raises(Rejected) as caught:
        ask_values(engine, uuid.uuid4(), property=name)
    assert caught.value.refusal is refusal


def test_another_projects_names_properties_and_values_are_never_shown(engine: Stored) -> None:
    filled(engine)
    other = uuid.uuid4()
    assert engine.run(events(NamesQuery(), other, engine.warehouse, engine.clock)).items == []
    assert ask_properties(engine, other).items == []
    assert ask_values(engine, other, property="plan").items == []

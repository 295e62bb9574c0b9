"""Counts on the real engine, against plain Python over the same rows."""

import asyncio
import json
import math
import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import pytest

from functions.query_count.logic import CountQuery, count
from shared.events import Row, encode_line, record
from shared.query.filters import Filter
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate
from tests.count_cases import SIMPLE_MEASURES, filters_on, measures_of
from tests.integration.door_process import PASSWORD, warehouse_process

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
OTHER = uuid.UUID("018f0000-0000-7000-8000-00000000000b")
START = datetime(2026, 1, 9, 23, 30, tzinfo=UTC)
END = datetime(2026, 1, 20, 17, 45, 0, 500_000, tzinfo=UTC)
RANGE: dict[str, Any] = {"start": "2026-01-10T00:30:00", "end": "2026-01-20T18:45:00.5", "timezone": "Europe/Berlin"}
MICRO = timedelta(microseconds=1)

ODD_KEYS = [
    "ключ",
    "with space",
    "back`tick",
    "back\\slash",
    "quote'\"",
    "100%",
    "{p0:String}",
    "select",
    "a-b",
    "^a",
    ":b",
    "/*scope*/",
    "🙂",
]
TEXTS = [
    "pro",
    "free",
    "Pro",
    "",
    "5",
    "5.0",
    "5.5",
    "1e3",
    "-3",
    "5 ",
    "5abc",
    "true",
    "m",
    "NaN",
    "Infinity",
    "1e400",
]
TEXTS += ["tab\there", "line\nbreak", 'it\'s \\ "quoted"', "ключ €", "🙂"]
NUMBERS = [5, 5.0, 5.5, 0.1, -3, 0, 1000, 2**53, 2**60, 2**60 + 1, 1e-7, -2.5e300]
ABSENT = object()


class Event(NamedTuple):
    """A row as the reference sees it; its identity is what the table is ordered by."""

    id: uuid.UUID
    name: str
    at: datetime
    user_id: str
    anonymous_id: str
    session_id: str
    properties: dict[str, Any]
    received: int = 0

    @property
    def user_key(self) -> str:
        return f"u:{self.user_id}" if self.user_id else f"a:{self.anonymous_id}" if self.anonymous_id else ""


# --- the reference


def value_of(event: Event, field: str) -> Any:
    """What stands under a field's name; ABSENT where nothing does."""
    if not field.startswith("properties."):
        text = {"event": event.name, "event_id": str(event.id), "client_id": ""}.get(field, getattr(event, field, ""))
        return text or ABSENT
    found: Any = event.properties
    for name in field.removeprefix("properties.").split("."):
        found = found.get(name, ABSENT) if isinstance(found, dict) else ABSENT
    return ABSENT if found is None or isinstance(found, dict) else found


def text_of(value: Any) -> str:
    """A JSON value as the warehouse writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return (
            str(int(value))
            if value.is_integer() and abs(value) < 1e15
            else repr(value).replace("e+", "e").replace("e-0", "e-")
        )
    return str(value)


def number_of(value: Any) -> float | None:
    try:
        text = text_of(value)
        number = float(text) if value is not ABSENT and text == text.strip() else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def equals(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, str | bool) or (isinstance(wanted, int) and abs(wanted) > 2**53):
        return found is not ABSENT and text_of(found) == text_of(wanted)
    return number_of(found) == float(wanted)


def ordered(found: Any, wanted: Any, holds: Callable[[Any, Any], bool]) -> bool:
    if isinstance(wanted, str):
        return found is not ABSENT and holds(text_of(found).encode(), wanted.encode())
    number = number_of(found)
    return number is not None and holds(number, wanted)


def matches(event: Event, wanted: Filter) -> bool:
    found, value = value_of(event, wanted.property), wanted.value
    present = found is not ABSENT
    text = text_of(found) if present else ""
    positive: dict[str, Callable[[], bool]] = {
        "eq": lambda: equals(found, value),
        "in": lambda: any(equals(found, one) for one in value),  # type: ignore[union-attr]  # a list goes with it
        "contains": lambda: present and str(value) in text,
        "set": lambda: present,
        "starts_with": lambda: text.startswith(str(value)),
        "regex": lambda: present and re.search(str(value), text, re.DOTALL) is not None,
        "gt": lambda: ordered(found, value, lambda a, b: a > b),
        "gte": lambda: ordered(found, value, lambda a, b: a >= b),
        "lt": lambda: ordered(found, value, lambda a, b: a < b),
        "lte": lambda: ordered(found, value, lambda a, b: a <= b),
    }
    opposite = {"ne": "eq", "not_in": "in", "not_contains": "contains", "not_set": "set"}
    if wanted.op in opposite:
        return not positive[opposite[wanted.op]]()
    return positive["set" if wanted.op == "is_set" else wanted.op]()


def measured(events: Sequence[Event], text: str) -> float | None:
    simple: dict[str, Callable[[], int]] = {
        "count": lambda: len(events),
        "users": lambda: len({e.user_key for e in events} - {""}),
        "sessions": lambda: len({e.session_id for e in events} - {""}),
        "event_types": lambda: len({e.name for e in events}),
    }
    if text in simple:
        return simple[text]()
    kind, _, name = text.partition(":")
    field = name if name in {"user_id", "event"} or name.startswith("properties.") else f"properties.{name}"
    found = [value_of(event, field) for event in events]
    if kind == "unique":
        return len({text_of(value) for value in found if value is not ABSENT})
    numbers = sorted(number for value in found if (number := number_of(value)) is not None)
    if not numbers:
        return None
    if kind.startswith("p"):
        place = (len(numbers) - 1) * int(kind[1:]) / 100
        low, high = numbers[math.floor(place)], numbers[math.ceil(place)]
        return low + (high - low) * (place - math.floor(place))
    if kind == "avg":
        return math.fsum(numbers) / len(numbers)
    return {"sum": math.fsum(numbers), "min": numbers[0], "max": numbers[-1]}[kind]


# --- the rows


def made(chance: random.Random) -> Iterator[Event]:
    """About 500 events: every kind of value, absent and null ones, times at the edges, repeats with other content."""

    def any_value() -> Any:
        return chance.choice([chance.choice(TEXTS), chance.choice(NUMBERS), chance.choice([True, False]), None, ABSENT])

    def properties() -> dict[str, Any]:
        given = {
            "plan": chance.choice([any_value(), {"name": any_value()}, [1, "a"]]),
            "price": chance.choice([chance.choice([5, 5.5, 0.1, -3, 1000, 12.25, "7.5", "x"]), ABSENT]),
            "address": chance.choice([{"city": any_value(), "geo": {"lat": chance.choice([1, 2.5])}}, None, ABSENT]),
            "dotted.key": any_value(),
            chance.choice(ODD_KEYS): "x",
        }
        return {key: value for key, value in given.items() if value is not ABSENT}

    edges = [START - MICRO, START, START + MICRO, END - MICRO, END, END + MICRO]
    edges += [START - timedelta(days=1), END + timedelta(days=1), START.replace(hour=0, minute=0)]
    for number in range(500):
        at = edges[number] if number < len(edges) else START + (END - START) * chance.random()
        yield Event(
            id=uuid.UUID(int=chance.getrandbits(128)),
            name=chance.choice(["view", "purchase", "it's", "ключ"]),
            at=at,
            user_id=chance.choice(["", "u1", "u2", "5", "5.0", "pro", "ключ"]),
            anonymous_id=chance.choice(["", "a1", "u1"]),
            session_id=chance.choice(["", "s1", "s2", "s3"]),
            properties=_without_absent(properties()),
        )


def _without_absent(value: dict[str, Any]) -> dict[str, Any]:
    kept = {key: _without_absent(inner) if isinstance(inner, dict) else inner for key, inner in value.items()}
    return {key: inner for key, inner in kept.items() if inner is not ABSENT}


def nested(properties: dict[str, Any]) -> dict[str, Any]:
    """As the warehouse reads it: a dot in a key goes one level down."""
    found: dict[str, Any] = {}
    for key, value in properties.items():
        first, dot, rest = key.partition(".")
        found[first] = {rest: value} if dot else value
    return found


def lines(events: Sequence[Event], project: uuid.UUID) -> bytes:
    rows = [
        Row(
            event=event.name,
            event_id=str(event.id),
            timestamp=event.at.replace(tzinfo=None).isoformat(" ", "microseconds"),
            received_at=f"2026-02-01 00:00:00.{event.received:06}",
            user_id=event.user_id,
            anonymous_id=event.anonymous_id,
            session_id=event.session_id,
            properties_raw=msgspec.Raw(json.dumps(event.properties, ensure_ascii=False).encode()),
        )
        for event in events
    ]
    batch = record(project_id=str(project), batch_id=uuid.UUID(int=1), lines=list(map(encode_line, rows)), micros=0)
    return batch.data


class Counts(NamedTuple):
    """The warehouse with its rows, and the same rows for the reference."""

    url: str
    warehouse: Warehouse
    events: list[Event]

    def ask(self, **more: Any) -> float | None:
        query = CountQuery(**{**RANGE, **more})
        answer = asyncio.run(count(query, PROJECT, self.warehouse))
        assert answer.exact
        return answer.value

    def expect(
        self, measure: str = "count", events: Sequence[str] = (), filters: Sequence[Filter] = ()
    ) -> float | None:
        kept = [
            event
            for event in self.events
            if START <= event.at < END
            and (not events or event.name in events)
            and all(matches(event, wanted) for wanted in filters)
        ]
        return measured(kept, measure)


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counts]:
    with warehouse_process(tmp_path_factory.mktemp("count")) as process:
        url = process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default"
        warehouse = Warehouse(url)
        yield Counts(url, warehouse, asyncio.run(fill(warehouse)))
        asyncio.run(warehouse.close())


async def fill(warehouse: Warehouse) -> list[Event]:
    """Insert the rows in several blocks, with repeats: the same again, and received again with other content."""
    chance = random.Random(20_260_110)
    events = list(made(chance))
    again = chance.sample(events, 60)
    newer = [event._replace(received=2, session_id="later", properties={"price": 77}) for event in again[:20]]
    older = [event._replace(received=0, properties={"price": -77}) for event in again[20:40]]
    events = [event._replace(received=1) for event in events]
    strangers = [event._replace(received=1) for event in made(random.Random(1))]
    await migrate(warehouse)
    await warehouse.insert_json_lines("events", lines(older, PROJECT))
    await warehouse.insert_json_lines("events", lines(events[:300], PROJECT))
    await warehouse.insert_json_lines("events", lines(newer, PROJECT))
    await warehouse.insert_json_lines(
        "events", lines(events[300:] + strangers[:1], PROJECT)[: -len(lines(strangers[:1], PROJECT))]
    )
    await warehouse.insert_json_lines("events", lines(strangers + events[:50], OTHER))
    await warehouse.insert_json_lines(
        "events", lines([event for event in events if event.id in {e.id for e in again[40:]}], PROJECT)
    )
    kept = {event.id: event for event in events} | {event.id: event for event in newer}
    return [event._replace(properties=nested(event.properties)) for event in kept.values()]


FIELDS = [
    "user_id",
    "session_id",
    "event_id",
    "properties.plan",
    "properties.plan.name",
    "properties.address.city",
    "properties.dotted.key",
    "properties.never",
]
EVERY_FILTER = [wanted for field in FIELDS for wanted in filters_on(field)]


def test_everything_in_the_range_is_counted_once(counts: Counts) -> None:
    assert 400 < counts.expect() < 500  # type: ignore[operator]  # a count is a number
    assert counts.ask() == counts.expect()


@pytest.mark.parametrize("wanted", EVERY_FILTER, ids=lambda w: f"{w.property} {w.op} {w.value}")
def test_a_filter_keeps_what_the_reference_keeps(wanted: Filter, counts: Counts) -> None:
    assert counts.ask(filters=[wanted]) == counts.expect(filters=[wanted])


def test_the_rows_tell_the_filters_apart(counts: Counts) -> None:
    """Each operator with each value keeps some rows and not all of at least one field: a wrong one would show."""
    everything = counts.expect()
    for kinds in zip(*(filters_on(field) for field in FIELDS), strict=True):
        kept = {counts.expect(filters=[wanted]) for wanted in kinds}
        assert kept - {0, everything}, kinds[0]


@pytest.mark.parametrize(
    "text",
    [
        *SIMPLE_MEASURES,
        *measures_of("price"),
        *measures_of("plan"),
        *measures_of("user_id"),
        *measures_of("properties.address.geo.lat"),
        *measures_of("never"),
    ],
)
def test_a_measure_is_what_the_reference_measures(text: str, counts: Counts) -> None:
    for filters in ([], [Filter("properties.price", "gt", 0)]):
        expected = counts.expect(text, filters=filters)
        assert counts.ask(measure=text, filters=filters) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("key", ODD_KEYS)
def test_a_property_of_any_name_is_found(key: str, counts: Counts) -> None:
    wanted = Filter(f"properties.{key}", "eq", "x")
    found = counts.ask(filters=[wanted])
    assert found
    assert found == counts.expect(filters=[wanted])
    assert counts.ask(measure=f"unique:{key}") == 1


@pytest.mark.parametrize("text", [*TEXTS, "\0", "%", "{p0:String}", "'", "\\N", "\\", "\r\n"])
def test_a_value_of_any_text_is_bound_as_it_is(text: str, counts: Counts) -> None:
    plan = "properties.plan"
    for wanted in (Filter(plan, "eq", text), Filter(plan, "in", [text, "no"]), Filter(plan, "ne", text)):
        assert counts.ask(filters=[wanted]) == counts.expect(filters=[wanted])
    assert counts.ask(events=[text]) == 0


@pytest.mark.parametrize("events", [["view"], ["view", "it's"], ["ключ"], ["never"], ["never", "purchase"]])
def test_events_are_picked_by_name(events: list[str], counts: Counts) -> None:
    assert counts.ask(events=events) == counts.expect(events=events)


def test_conditions_are_all_asked_for_at_once(counts: Counts) -> None:
    chance = random.Random(7)
    for _ in range(40):
        filters = chance.sample(EVERY_FILTER, 3)
        measure = chance.choice([*SIMPLE_MEASURES, "unique:plan"])
        assert counts.ask(filters=filters, measure=measure, events=["view", "it's"]) == counts.expect(
            measure, ["view", "it's"], filters
        ), filters


@pytest.mark.parametrize(
    ("start", "end", "included"),
    [
        (START, END, [START, END - MICRO]),
        (START + MICRO, END + MICRO, [START + MICRO, END]),
        (START - MICRO, START, [START - MICRO]),
        (END, END + MICRO, [END]),
    ],
)
def test_the_start_is_inside_and_the_end_is_not(
    start: datetime, end: datetime, included: list[datetime], counts: Counts
) -> None:
    found = counts.ask(start=start.isoformat(), end=end.isoformat())
    within = [event.at for event in counts.events if start <= event.at < end]
    assert set(included) <= set(within)
    assert found == len(within)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("0001-01-01", "9999-12-30", 500),
        ("1969-01-01", "2300-01-01", 500),
        ("1970-01-01", "1970-01-01", 0),
        ("0001-01-01", "9999-12-31", 500),
    ],
)
def test_a_range_of_any_size_is_answered(start: str, end: str, expected: int, counts: Counts) -> None:
    assert counts.ask(start=start, end=end, timezone="UTC") == expected


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_memory_usage": 1_000}, "memory"),
        ({"max_execution_time": 0.000001, "timeout_overflow_mode": "throw"}, "long"),
        ({"max_rows_to_read": 5}, "rows"),
        ({"max_rows_in_set": 1}, "values"),
    ],
)
def test_a_query_beyond_its_limits_is_too_expensive_and_not_an_outage(
    limits: dict[str, Any], words: str, counts: Counts
) -> None:
    small = Warehouse(counts.url, read_limits=limits)
    query = CountQuery(**RANGE, measure="users", events=["view", "purchase"])
    with pytest.raises(Rejected) as caught:
        asyncio.run(count(query, PROJECT, small))
    assert caught.value.refusal is Refusal.QUERY_TOO_EXPENSIVE
    assert words in caught.value.detail
    assert "http" not in caught.value.detail
    asyncio.run(small.close())


@pytest.mark.parametrize("measure", ["sum:huge", "avg:huge"])
def test_a_sum_beyond_every_number_is_refused_and_not_null(measure: str, counts: Counts) -> None:
    """Two of 1e308 are infinity, which JSON would show as null."""
    project = uuid.uuid4()
    huge = [
        Event(uuid.uuid4(), "view", START + MICRO * number, "", "", "", {"huge": 1e308}, received=1)
        for number in range(2)
    ]
    asyncio.run(counts.warehouse.insert_json_lines("events", lines(huge, project)))
    with pytest.raises(Rejected) as caught:
        asyncio.run(count(CountQuery(**RANGE, measure=measure), project, counts.warehouse))
    assert caught.value.refusal is Refusal.BAD_MEASURE
    answer = asyncio.run(count(CountQuery(**RANGE, measure="max:huge"), project, counts.warehouse))
    assert answer.value == 1e308


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "[", "\\1", "a{1001}", "*"])
def test_a_pattern_the_engine_cannot_compile_is_the_callers_fault(pattern: str, counts: Counts) -> None:
    with pytest.raises(Rejected) as caught:
        counts.ask(filters=[Filter("properties.plan", "regex", pattern)])
    assert caught.value.refusal is Refusal.BAD_FILTER

"""Breakdowns on the real engine, against plain Python over the same rows."""

import asyncio
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest

from functions.query_breakdown.logic import BreakdownAnswer, BreakdownQuery, breakdown
from shared.query.filters import Filter
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from tests.count_cases import SIMPLE_MEASURES, measures_of
from tests.integration.door_process import PASSWORD, warehouse_process
from tests.integration.test_query_count_engine import (
    END,
    PROJECT,
    RANGE,
    START,
    Counts,
    Event,
    fill,
    lines,
    matches,
    measured,
)
from tests.integration.test_query_timeseries_engine import text_in

FIELDS = ["event", "user_id", "session_id", "properties.price", "properties.plan.name", "properties.never"]
PAIRS = [["event", "user_id"], ["properties.price", "session_id"], ["event", "user_id", "properties.price"]]
MEASURES = [*SIMPLE_MEASURES, *measures_of("price")]

Key = tuple[str | None, ...]


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counts]:
    with warehouse_process(tmp_path_factory.mktemp("breakdown")) as process:
        url = process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default"
        warehouse = Warehouse(url)
        yield Counts(url, warehouse, asyncio.run(fill(warehouse)))
        asyncio.run(warehouse.close())


def ask(counts: Counts, by: str | list[str], project: uuid.UUID = PROJECT, **more: Any) -> BreakdownAnswer:
    return asyncio.run(breakdown(BreakdownQuery(by=by, **{**RANGE, **more}), project, counts.warehouse))


def in_range(counts: Counts, filters: Sequence[Filter] = ()) -> list[Event]:
    return [e for e in counts.events if START <= e.at < END and all(matches(e, wanted) for wanted in filters)]


def key_of(event: Event, fields: Sequence[str]) -> Key:
    return tuple(text_in(event, field) for field in fields)


def groups(events: Sequence[Event], fields: Sequence[str], measure: str) -> list[tuple[Key, float | None]]:
    """Every group with its value, the largest first, ties by key, missing keys and values last."""
    found: dict[Key, list[Event]] = {}
    for event in events:
        found.setdefault(key_of(event, fields), []).append(event)
    return largest_first((key, measured(some, measure)) for key, some in found.items())


def largest_first(rows: Iterable[tuple[Key, float | None]]) -> list[tuple[Key, float | None]]:
    """Averages that differ in their last bit are a tie here and none in the engine."""

    def order(row: tuple[Key, float | None]) -> Any:
        key, value = row
        return value is None, round(-(value or 0), 9), [(part is None, (part or "").encode()) for part in key]

    return sorted(rows, key=order)


def about(value: float | None) -> Any:
    return None if value is None else pytest.approx(value)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("by", [*FIELDS, *PAIRS], ids=str)
@pytest.mark.parametrize("limit", [1, 4, 1_000])
def test_rows_other_and_total_are_what_the_reference_counts(
    measure: str, by: str | list[str], limit: int, counts: Counts
) -> None:
    answer = ask(counts, by, measure=measure, limit=limit)
    fields = [by] if isinstance(by, str) else by
    events = in_range(counts)
    expected = groups(events, fields, measure)[:limit]
    total = measured(events, measure)
    assert all(isinstance(row.key, list) is isinstance(by, list) for row in answer.rows)
    rows = [(tuple(row.key) if isinstance(row.key, list) else (row.key,), row.value) for row in answer.rows]
    assert [value for _, value in rows] == sorted((value for _, value in rows), key=lambda v: (v is None, -(v or 0)))
    assert largest_first(rows) == [(key, about(value)) for key, value in expected]
    if not measure.startswith(("avg:", "p")):
        assert rows == largest_first(rows)
    top = {key for key, _ in expected}
    assert answer.other == about(measured([e for e in events if key_of(e, fields) not in top], measure))
    assert answer.total == about(total)
    parts = measure in SIMPLE_MEASURES or measure.startswith(("sum:", "unique:"))
    assert [row.share for row in answer.rows] == [
        about(value / total) if parts and value is not None and total else None for _, value in rows
    ]
    assert answer.exact


def test_users_in_several_groups_count_once_in_the_total_and_the_rest(counts: Counts) -> None:
    answer = ask(counts, "event", measure="users", limit=2)
    assert sum(row.value or 0 for row in answer.rows) > (answer.total or 0)
    assert answer.other is not None
    assert answer.other <= (answer.total or 0)


def test_filters_and_events_narrow_rows_rest_and_total(counts: Counts) -> None:
    filters = [Filter("properties.price", "is_set")]
    answer = ask(counts, "user_id", filters=filters, events=["view", "purchase"], limit=3)
    events = [event for event in in_range(counts, filters) if event.name in {"view", "purchase"}]
    expected = groups(events, ["user_id"], "count")
    assert [(row.key, row.value) for row in answer.rows] == [(key[0], value) for key, value in expected[:3]]
    assert answer.total == len(events)
    assert answer.other == sum(value or 0 for _, value in expected[3:])


def test_a_list_gets_a_value_whole_and_an_object_counts_as_missing(counts: Counts) -> None:
    keys = {row.key for row in ask(counts, "properties.plan", limit=1_000).rows}
    assert "[1,'a']" in keys or "['1','a']" in keys
    assert None in keys


def test_long_values_are_groups_until_there_are_too_many(counts: Counts) -> None:
    project = uuid.uuid4()
    texts = [letter * 30_000 for letter in "abц%"]
    events = [
        counts.events[0]._replace(id=uuid.uuid4(), at=START, properties={"essay": text, "n": n})
        for n, text in enumerate(texts)
    ]
    asyncio.run(counts.warehouse.insert_json_lines("events", lines(events, project)))
    answer = ask(counts, ["properties.essay", "properties.n"], project, limit=2)
    assert sorted(row.key[0] for row in answer.rows if isinstance(row.key, list) and row.key[0]) == [texts[3], texts[0]]
    few = ask(counts, "properties.essay", project, filters=[Filter("properties.n", "eq", 2)])
    assert [(row.key, row.value) for row in few.rows] == [(texts[2], 1)]
    with pytest.raises(Rejected, match="take a smaller `limit`") as caught:
        ask(counts, "properties.essay", project)
    assert caught.value.refusal is Refusal.QUERY_TOO_EXPENSIVE


@pytest.mark.parametrize(
    ("measure", "nothing"), [("count", 0), ("users", 0), ("unique:plan", 0), ("sum:price", None), ("p50:price", None)]
)
def test_no_event_at_all_is_no_row(measure: str, nothing: int | None, counts: Counts) -> None:
    answer = ask(counts, "event", uuid.uuid4(), measure=measure)
    assert (answer.rows, answer.other, answer.total) == ([], nothing, nothing)


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"by": None}, Refusal.BAD_REQUEST),
        ({"by": []}, Refusal.BAD_REQUEST),
        ({"by": ["event"] * 4}, Refusal.BAD_REQUEST),
        ({"group_by": "event"}, Refusal.BAD_REQUEST),
        ({"by": "nonsense"}, Refusal.UNKNOWN_FIELD),
        ({"by": ["event", "properties."]}, Refusal.UNKNOWN_FIELD),
        ({"measure": "median:price"}, Refusal.BAD_MEASURE),
        ({"filters": [Filter("event", "regex", "(")]}, Refusal.BAD_FILTER),
    ],
)
def test_what_cannot_be_asked_is_refused(fields: dict[str, Any], refusal: Refusal, counts: Counts) -> None:
    with pytest.raises(Rejected) as caught:
        ask(counts, **{"by": "event", **fields})
    assert caught.value.refusal is refusal

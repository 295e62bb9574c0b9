"""The SQL of counts, word by word, with its bound values: what a change of a builder changes is seen here.

`python -m tests.unit.sql.test_count_sql` writes count.golden anew; the difference is what to review.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.query_count.logic import CountQuery
from shared.query.counting import count_sql
from shared.query.fields import COLUMNS, MAX_PATH
from shared.query.filters import MAX_FILTERS, MAX_VALUES, Filter, condition
from shared.query.measures import measure
from shared.query.parameters import Parameters
from shared.query.period import parse_period
from shared.query.planner import Source
from shared.query.scope import MAX_EVENTS
from shared.refusals import Refusal, Rejected
from tests.count_cases import SIMPLE_MEASURES, filters_on, measures_of

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
GOLDEN = Path(__file__).with_name("count.golden")
ODD_NAMES = [
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
    "/*measure*/",
    ":b",
]


def sql_of(**more: Any) -> tuple[str, dict[str, Any]]:
    query = CountQuery(**{"start": "2026-01-10", "end": "2026-01-12T06:30:00.5", **more})
    return count_sql(Source(query.wanted(PROJECT, parse_period(query.start, query.end, query.timezone))))


def whole(**more: Any) -> str:
    sql, values = sql_of(**more)
    return f"{sql.strip()}\n{json.dumps(values, ensure_ascii=False)}"


def part(wanted: Filter) -> str:
    parameters = Parameters()
    return f"{condition(wanted, parameters)}\n{json.dumps(parameters.values, ensure_ascii=False)}"


def sections() -> Iterator[tuple[str, str]]:
    yield "count of everything", whole()
    yield (
        "users of two events with filters, days in Berlin",
        whole(
            events=["purchase", "it's"],
            filters=[Filter("user_id", "ne", "u1"), Filter("properties.price", "gte", 10)],
            measure="users",
            timezone="Europe/Berlin",
        ),
    )
    for name in COLUMNS:
        yield f"column {name}", part(Filter(name, "eq", "x"))
    for name in ODD_NAMES:
        yield f"property {name}", part(Filter(f"properties.{name}", "eq", "x"))
    for name in ("products.name", "it's.back\\slash"):
        yield f"looked up {name}", part(Filter(f"lookups.{name}", "eq", "x"))
    for field in ("user_id", "properties.plan.name"):
        for wanted in filters_on(field):
            yield f"{wanted.property} {wanted.op} {json.dumps(wanted.value)}", part(wanted)
    texts = [*measures_of("user_id"), *measures_of("price"), "sum:properties.a.b", "sum:revenue", "unique:channel"]
    for text in (*SIMPLE_MEASURES, *texts):
        yield f"measure {text}", measure(text)


def written() -> dict[str, str]:
    found = (section.partition("\n") for section in GOLDEN.read_text(encoding="utf-8").split("== ")[1:])
    return {name: text.strip() for name, _, text in found}


@pytest.mark.parametrize(("name", "text"), [pytest.param(*section, id=section[0]) for section in sections()])
def test_the_sql_is_the_reviewed_one(name: str, text: str) -> None:
    assert text == written()[name]


def test_nothing_is_left_in_the_golden_file() -> None:
    assert list(written()) == [name for name, _ in sections()]


@pytest.mark.parametrize("wanted", [*filters_on("user_id"), *filters_on("properties.plan")], ids=repr)
def test_no_value_of_a_caller_stands_in_the_sql(wanted: Filter) -> None:
    marked = "x'); DROP TABLE events --"
    value: Any = [marked] if isinstance(wanted.value, list) else marked if wanted.value is not None else None
    sql, values = sql_of(filters=[Filter(wanted.property, wanted.op, value)], events=[marked])
    assert "DROP" not in sql
    assert str(values).count("DROP") == (1 if value is None else 2)


def test_a_property_named_like_a_mark_of_the_query_file_stays_a_name() -> None:
    payload = Filter("properties.x) OR 1=1 --", "is_set")
    sql, _ = sql_of(measure="sum:properties./*scope*/", filters=[payload])
    assert "properties.`/*scope*/`" in sql
    assert sql.count("1=1") == 1
    assert "properties.`x) OR 1=1 --`" in sql


@pytest.mark.parametrize("measure_text", [*SIMPLE_MEASURES, *measures_of("price")])
def test_every_count_is_of_one_project_and_one_range_and_counts_repeats_once(measure_text: str) -> None:
    sql, values = sql_of(measure=measure_text)
    assert "FROM events FINAL" in sql
    assert "PREWHERE" not in sql
    assert "project_id = {p2:UUID}" in sql
    assert values["p2"] == str(PROJECT)
    for bound in (
        "timestamp >= {p0",
        "timestamp < {p1",
        "indexHint(toDate(timestamp) >= toDate({p0",
        "toDate(timestamp) <= toDate({p1",
    ):
        assert bound in sql


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("secret", Refusal.UNKNOWN_FIELD),
        ("properties", Refusal.UNKNOWN_FIELD),
        ("properties.", Refusal.UNKNOWN_FIELD),
        ("properties.a..b", Refusal.UNKNOWN_FIELD),
        ("properties.a.", Refusal.UNKNOWN_FIELD),
        ("properties.a\nb", Refusal.UNKNOWN_FIELD),
        ("properties.a\0b", Refusal.UNKNOWN_FIELD),
        ("properties." + "x" * (MAX_PATH + 1), Refusal.UNKNOWN_FIELD),
        ("project_id", Refusal.UNKNOWN_FIELD),
        ("user_key) OR (1=1", Refusal.UNKNOWN_FIELD),
        ("", Refusal.UNKNOWN_FIELD),
    ],
)
def test_a_field_that_is_not_on_the_list_is_refused(name: str, refusal: Refusal) -> None:
    with pytest.raises(Rejected) as caught:
        sql_of(filters=[Filter(name, "is_set")])
    assert caught.value.refusal is refusal


@pytest.mark.parametrize(
    "wanted",
    [
        Filter("user_id", "eq"),
        Filter("user_id", "eq", ["a"]),
        Filter("user_id", "in", "a"),
        Filter("user_id", "in", []),
        Filter("user_id", "in", ["a"] * (MAX_VALUES + 1)),
        Filter("user_id", "contains", ""),
        Filter("user_id", "contains", 5),
        Filter("user_id", "starts_with", True),
        Filter("user_id", "regex", "x" * 1_001),
        Filter("user_id", "gt", True),
        Filter("user_id", "gt", ["a"]),
        Filter("user_id", "lt", 10**400),
    ],
    ids=lambda wanted: f"{wanted.op} {str(wanted.value)[:20]}",
)
def test_a_value_that_does_not_fit_its_operator_is_refused(wanted: Filter) -> None:
    with pytest.raises(Rejected) as caught:
        sql_of(filters=[wanted])
    assert caught.value.refusal is Refusal.BAD_FILTER


@pytest.mark.parametrize("value", [10**400, -(10**400), 2**64])
def test_an_integer_beyond_every_number_is_compared_as_its_digits(value: int) -> None:
    for wanted in (Filter("properties.a", "eq", value), Filter("properties.a", "in", [value])):
        assert str(value) in str(sql_of(filters=[wanted])[1])


@pytest.mark.parametrize(
    "more", [{"filters": [Filter("event")] * (MAX_FILTERS + 1)}, {"events": ["x"] * (MAX_EVENTS + 1)}]
)
def test_too_many_conditions_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        sql_of(**more)
    assert caught.value.refusal is Refusal.BAD_FILTER


@pytest.mark.parametrize(
    "text", ["", "sum", "sum:", "p42:price", "p9:price", "median:price", "count:price", "COUNT", "users "]
)
def test_what_is_no_measure_is_refused(text: str) -> None:
    with pytest.raises(Rejected) as caught:
        measure(text)
    assert caught.value.refusal is Refusal.BAD_MEASURE


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"== {name}\n{text}\n\n" for name, text in sections()), encoding="utf-8")

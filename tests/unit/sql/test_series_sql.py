"""The SQL of time series and breakdowns, word by word, with its bound values.

`python -m tests.unit.sql.test_series_sql` writes series.golden anew; the difference is what to review.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.query_breakdown.logic import BreakdownQuery, values_sql
from functions.query_breakdown.logic import top_sql as breakdown_top_sql
from functions.query_timeseries.logic import TimeseriesQuery, points_sql
from functions.query_timeseries.logic import top_sql as timeseries_top_sql
from shared.query.buckets import cut
from shared.query.filters import Filter
from shared.query.groups import Groups, Key
from shared.query.period import parse_period
from shared.query.planner import Source
from shared.refusals import Rejected
from tests.count_cases import SIMPLE_MEASURES, measures_of

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
GOLDEN = Path(__file__).with_name("series.golden")
RANGE: dict[str, Any] = {"start": "2026-03-28", "end": "2026-03-30", "timezone": "Europe/Berlin"}
MARKED = "x'); DROP TABLE events --"

Sql = tuple[str, dict[str, Any]]


def _source(query: TimeseriesQuery | BreakdownQuery) -> Source:
    return Source(query.wanted(PROJECT, parse_period(query.start, query.end, query.timezone)))


def points(top: list[Key], **more: Any) -> Sql:
    query = TimeseriesQuery(**{**RANGE, **more})
    period = parse_period(query.start, query.end, query.timezone)
    return points_sql(query, Source(query.wanted(PROJECT, period)), cut(period, query.interval), top)


def series_top(**more: Any) -> Sql:
    query = TimeseriesQuery(**{**RANGE, **more})
    return timeseries_top_sql(query, _source(query))


def breakdown_top(**more: Any) -> Sql:
    query = BreakdownQuery(**{**RANGE, **more})
    return breakdown_top_sql(query, _source(query))


def values(top: list[Key], **more: Any) -> Sql:
    query = BreakdownQuery(**{**RANGE, **more})
    return values_sql(query, _source(query), top)


def sections() -> Iterator[tuple[str, Sql]]:
    yield "points of one series", points([()])
    yield "points of hours", points([()], interval="hour", start="2026-03-29T00:30:00", end="2026-03-29T04:00:00")
    yield (
        "points of groups, users of two events with filters",
        points(
            [("pro",), (None,), ("",)],
            group_by="properties.plan",
            measure="users",
            interval="month",
            events=["purchase", "it's"],
            filters=[Filter("user_id", "ne", "u1")],
        ),
    )
    yield "points of no group", points([], group_by="event")
    yield "the largest series", series_top(group_by="event", limit=5, measure="p95:price")
    yield "the largest rows", breakdown_top(by="properties.plan", limit=3)
    yield "the largest rows by three fields", breakdown_top(by=["event", "bot", "properties.a.b"], measure="sum:price")
    yield "values of one field", values([("view",), (None,)], by="event")
    yield "values of two fields", values([("a", "b"), (None, "b"), ("a", None)], by=["event", "properties.plan"])
    yield "values of nothing", values([], by="event", measure="users")


def text_of(sql: Sql) -> str:
    return f"{sql[0].strip()}\n{json.dumps(sql[1], ensure_ascii=False)}"


def written() -> dict[str, str]:
    found = (section.partition("\n") for section in GOLDEN.read_text(encoding="utf-8").split("== ")[1:])
    return {name: text.strip() for name, _, text in found}


@pytest.mark.parametrize(("name", "sql"), [pytest.param(*section, id=section[0]) for section in sections()])
def test_the_sql_is_the_reviewed_one(name: str, sql: Sql) -> None:
    assert text_of(sql) == written()[name]


def test_nothing_is_left_in_the_golden_file() -> None:
    assert list(written()) == [name for name, _ in sections()]


def every_statement(**more: Any) -> list[Sql]:
    return [
        points([(MARKED,)], group_by="event", **more),
        series_top(group_by="event", **more),
        breakdown_top(by=["event", "user_id"], **more),
        values([(MARKED, None)], by=["event", "user_id"], **more),
    ]


@pytest.mark.parametrize("measure", [*SIMPLE_MEASURES, *measures_of("price")])
def test_every_statement_is_of_one_project_and_one_range_and_counts_repeats_once(measure: str) -> None:
    for sql, bound in every_statement(measure=measure):
        assert "FROM events FINAL" in sql
        assert "project_id = {p2:UUID}" in sql
        assert bound["p2"] == str(PROJECT)
        assert "timestamp >= {p0" in sql
        assert "timestamp < {p1" in sql


def test_no_value_of_a_caller_or_a_row_stands_in_the_sql() -> None:
    for sql, _ in every_statement(events=[MARKED], filters=[Filter("user_id", "eq", MARKED)]):
        assert "DROP" not in sql


def test_a_property_named_like_a_mark_of_the_query_file_stays_a_name() -> None:
    name = "properties./*scope*/"
    for sql, _ in (breakdown_top(by=name), series_top(group_by=name), values([("x",)], by=name)):
        assert "properties.`/*scope*/`" in sql
        assert sql.count("project_id") == 1


@pytest.mark.parametrize("name", ["properties", "properties.a..b", "project_id", "user_key) OR (1=1", ""])
def test_a_field_that_is_not_on_the_list_is_refused(name: str) -> None:
    with pytest.raises(Rejected, match="unknown_field"):
        Groups([name])


if __name__ == "__main__":
    GOLDEN.write_text("".join(f"== {name}\n{text_of(sql)}\n\n" for name, sql in sections()), encoding="utf-8")

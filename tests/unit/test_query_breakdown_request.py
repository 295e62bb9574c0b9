"""Time series and breakdowns as people write them: the same names by POST and by GET."""

import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from functions.query_breakdown.logic import BreakdownQuery
from functions.query_timeseries.compare import Range
from functions.query_timeseries.logic import TimeseriesQuery
from shared.query.measures import of_nothing, share
from shared.query.request import from_address, from_json
from shared.refusals import Refusal, Rejected

RANGE = {"from": "2026-01-01", "to": "2026-01-31"}


@pytest.mark.parametrize(
    ("kind", "fields", "address"),
    [
        (BreakdownQuery, {"by": "event"}, {"by": "event"}),
        (BreakdownQuery, {"by": ["event", "properties.a"], "limit": 3}, {"by": "event,properties.a", "limit": "3"}),
        (BreakdownQuery, {"group_by": ["event", "os"]}, {"group_by": "event,os", "by": ""}),
        (BreakdownQuery, {"by": "event", "events": ["a", "b"]}, {"by": "event", "events": "a,b"}),
        (TimeseriesQuery, {}, {"group_by": "", "compare": "", "events": ""}),
        (TimeseriesQuery, {"interval": "hour", "limit": 1_000}, {"interval": "hour", "limit": "1000"}),
        (
            TimeseriesQuery,
            {"compare": "previous_year", "group_by": "os"},
            {"compare": "previous_year", "group_by": "os"},
        ),
        (
            TimeseriesQuery,
            {"compare": {"from": "2025-01-01", "to": "2025-01-31"}},
            {"compare": '{"from": "2025-01-01", "to": "2025-01-31"}'},
        ),
    ],
)
def test_a_query_is_the_same_by_post_and_by_get(
    kind: type[msgspec.Struct], fields: dict[str, Any], address: dict[str, str]
) -> None:
    by_post = from_json(json.dumps({**RANGE, **fields}).encode(), kind)
    assert by_post == from_address(urlencode({**RANGE, **address}), kind)


def test_a_named_range_to_compare_with_is_read() -> None:
    query = from_json(b'{"from":"2026-01-01","to":"2026-01-31","compare":{"from":"a","to":"b"}}', TimeseriesQuery)
    assert query.compare == Range("a", "b")


@pytest.mark.parametrize(
    ("kind", "fields", "refusal"),
    [
        (BreakdownQuery, {"limit": 10**9}, Refusal.BAD_REQUEST),
        (BreakdownQuery, {"limit": 0}, Refusal.BAD_REQUEST),
        (BreakdownQuery, {"limit": 1.5}, Refusal.BAD_REQUEST),
        (BreakdownQuery, {"by": 5}, Refusal.BAD_REQUEST),
        (BreakdownQuery, {"by": [None]}, Refusal.BAD_REQUEST),
        (BreakdownQuery, {"interval": "day"}, Refusal.UNKNOWN_FIELD),
        (TimeseriesQuery, {"limit": -1}, Refusal.BAD_REQUEST),
        (TimeseriesQuery, {"limit": 1_001}, Refusal.BAD_REQUEST),
        (TimeseriesQuery, {"interval": "quarter"}, Refusal.BAD_REQUEST),
        (TimeseriesQuery, {"group_by": ["event", "os"]}, Refusal.BAD_REQUEST),
        (TimeseriesQuery, {"compare": "yesterday"}, Refusal.BAD_REQUEST),
        (TimeseriesQuery, {"compare": {"from": "2025-01-01"}}, Refusal.BAD_REQUEST),
        (TimeseriesQuery, {"compare": {"from": "a", "to": "b", "until": "c"}}, Refusal.UNKNOWN_FIELD),
        (TimeseriesQuery, {"filters": [{"property": "event", "op": "like"}]}, Refusal.BAD_FILTER),
    ],
)
def test_what_does_not_fit_is_refused(kind: type[msgspec.Struct], fields: dict[str, Any], refusal: Refusal) -> None:
    with pytest.raises(Rejected) as caught:
        from_json(json.dumps({**RANGE, **fields}).encode(), kind)
    assert caught.value.refusal is refusal


@pytest.mark.parametrize("compare", ["{", '{"from":"a","from":"b","to":"c"}', "{" * 100_000, '{"a":NaN}'])
def test_a_range_to_compare_with_that_is_not_json_is_refused(compare: str) -> None:
    with pytest.raises(Rejected) as caught:
        from_address(urlencode({**RANGE, "compare": compare}), TimeseriesQuery)
    assert caught.value.refusal is Refusal.BAD_REQUEST


@pytest.mark.parametrize(
    ("measure", "part", "total", "expected"),
    [
        ("count", 1, 4, 0.25),
        ("users", 3, 4, 0.75),
        ("sum:price", -1.0, 2.0, -0.5),
        ("sum:price", 1.0, 0.0, None),
        ("sum:price", None, 2.0, None),
        ("sum:price", 1e308, 1e-308, None),
        ("avg:price", 1.0, 2.0, None),
        ("p50:price", 1.0, 2.0, None),
        ("count", 0, 0, None),
    ],
)
def test_a_share_is_a_part_of_what_has_parts(
    measure: str, part: float | None, total: float | None, expected: float | None
) -> None:
    assert share(measure, part, total) == expected


def test_a_number_of_nothing_is_zero_and_a_figure_of_nothing_is_none() -> None:
    assert [of_nothing(text) for text in ("count", "users", "sessions", "event_types", "unique:a")] == [0] * 5
    assert [of_nothing(text) for text in ("sum:a", "avg:a", "min:a", "max:a", "p50:a")] == [None] * 5

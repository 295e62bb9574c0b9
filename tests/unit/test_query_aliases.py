"""What older services were asked, in our words: addresses, parameters, ranges, answers."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from functions.query_breakdown.logic import BreakdownQuery
from functions.query_count.logic import CountQuery
from functions.query_timeseries.logic import TimeseriesQuery
from shared.clock import FixedClock, to_micros
from shared.http import Request
from shared.query.aliases import (
    BY_TYPE,
    BY_USER,
    COUNT,
    LENGTHS,
    STATS,
    TIMESERIES,
    Asked,
    Target,
    asked_before,
    translate,
)
from shared.query.period import parse_period
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected

NOW = datetime(2024, 3, 15, 12, 30, tzinfo=UTC)
PATHS = [COUNT, BY_TYPE, BY_USER, TIMESERIES, STATS]
TARGETS: dict[Target, Any] = {
    "query_count": CountQuery,
    "query_timeseries": TimeseriesQuery,
    "query_breakdown": BreakdownQuery,
}
DATES = {"start_date": "2024-01-01", "end_date": "2024-01-31"}


def asked(path: str, **parameters: str) -> Asked:
    return translate(path, urlencode(parameters), NOW)


def refusal(path: str, query_string: str) -> Rejected:
    with pytest.raises(Rejected) as caught:
        translate(path, query_string, NOW)
    return caught.value


def request(method: str, path: str, query: bytes = b"") -> Request:
    async def receive() -> dict[str, Any]:
        raise AssertionError("a GET has no body to read")

    scope = {"method": method, "path": path, "query_string": query, "headers": []}
    return Request(scope, receive)


@pytest.mark.parametrize(
    ("path", "more", "target", "rest"),
    [
        (COUNT, {}, "query_count", {}),
        (BY_TYPE, {}, "query_breakdown", {"by": "event", "limit": 1000}),
        (BY_USER, {"limit": "5"}, "query_breakdown", {"by": "user_id", "limit": 5}),
        (TIMESERIES, {}, "query_timeseries", {"interval": "day"}),
        (TIMESERIES, {"interval": "minute"}, "query_timeseries", {"interval": "minute"}),
        (STATS, {}, "query_timeseries", {"interval": "day"}),
        *((STATS, {"group_by": name}, "query_timeseries", {"interval": name}) for name in LENGTHS),
        (STATS, {"group_by": "event"}, "query_timeseries", {"group_by": "event", "limit": 1000}),
    ],
)
def test_each_address_is_a_question_of_ours_that_its_function_takes(
    path: str, more: dict[str, str], target: Target, rest: dict[str, Any]
) -> None:
    found = asked(path, event_type="click", **DATES, **more)
    assert found.target == target
    assert found.query == {"from": "2024-01-01", "to": "2024-01-31", "timezone": "UTC", "events": ["click"], **rest}
    from_json(found.body(), TARGETS[target])


@pytest.mark.parametrize("path", PATHS)
def test_without_any_parameter_every_address_asks_something_that_can_be_answered(path: str) -> None:
    found = translate(path, "", NOW)
    from_json(found.body(), TARGETS[found.target])
    parse_period(found.query["from"], found.query["to"], found.query["timezone"])
    assert found.query["events"] == []


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_parameter_is_an_absent_one(path: str) -> None:
    assert translate(path, "event_type=&start_date=&end_date=&timezone=", NOW) == translate(path, "", NOW)


@pytest.mark.parametrize(("path", "more"), [(COUNT, {}), (BY_TYPE, {}), (BY_USER, {}), (STATS, {"group_by": "event"})])
def test_a_total_without_dates_is_over_all_events_there_can_be(path: str, more: dict[str, str]) -> None:
    query = asked(path, **more).query
    period = parse_period(query["from"], query["to"], query["timezone"])
    assert period.start == datetime(1970, 1, 1, tzinfo=UTC)
    assert period.end > NOW + timedelta(hours=24)


@pytest.mark.parametrize("interval", LENGTHS)
def test_a_series_without_dates_ends_now_and_has_the_length_of_its_interval(interval: str) -> None:
    query = asked(TIMESERIES, interval=interval).query
    period = parse_period(query["from"], query["to"])
    assert (period.end, period.end - period.start) == (NOW, LENGTHS[interval])


def test_a_series_without_a_start_reaches_back_from_its_end_and_includes_that_day() -> None:
    query = asked(STATS, group_by="day", end_date="2024-02-29", timezone="Europe/Berlin").query
    period = parse_period(query["from"], query["to"], query["timezone"])
    assert period.end == datetime(2024, 2, 29, 23, tzinfo=UTC)
    assert period.end - period.start == LENGTHS["day"]


def test_a_date_only_end_is_included_and_naive_times_are_in_the_timezone() -> None:
    query = asked(COUNT, start_date="2024-01-01T00:00", end_date="2024-01-01", timezone="Asia/Tokyo").query
    period = parse_period(query["from"], query["to"], query["timezone"])
    assert (period.start, period.end) == (
        datetime(2023, 12, 31, 15, tzinfo=UTC),
        datetime(2024, 1, 1, 15, tzinfo=UTC),
    )


def test_a_name_with_a_comma_is_one_event_type() -> None:
    assert asked(COUNT, event_type="viewed, twice").query["events"] == ["viewed, twice"]


@pytest.mark.parametrize(
    ("path", "query_string", "code", "said"),
    [
        (COUNT, "start_date=yesterday", Refusal.BAD_RANGE, "`start_date`"),
        (COUNT, "end_date=2024-13-01", Refusal.BAD_RANGE, "`end_date`"),
        (BY_TYPE, "start_date=2024-02-02&end_date=2024-02-01", Refusal.BAD_RANGE, "`end_date` 2024-02-01"),
        (TIMESERIES, "end_date=1969-01-01", Refusal.BAD_RANGE, "`end_date`"),
        (TIMESERIES, "start_date=2024-03-16", Refusal.BAD_RANGE, "`start_date`"),
        (COUNT, "timezone=Mars/Olympus", Refusal.BAD_TIMEZONE, "Mars/Olympus"),
        (COUNT, "event_types=click", Refusal.UNKNOWN_FIELD, "event_types"),
        (COUNT, "limit=5", Refusal.UNKNOWN_FIELD, "limit"),
        (TIMESERIES, "group_by=day", Refusal.UNKNOWN_FIELD, "group_by"),
        (COUNT, "event_type=a&event_type=b", Refusal.BAD_REQUEST, "`event_type` is there twice"),
        (STATS, "group_by=user", Refusal.BAD_REQUEST, "group_by"),
        (STATS, "group_by=day,hour", Refusal.BAD_REQUEST, "group_by"),
        (STATS, "group_by=day&limit=5", Refusal.BAD_REQUEST, "`limit`"),
        (TIMESERIES, "interval=event", Refusal.BAD_REQUEST, "interval"),
        *((BY_USER, f"limit={bad}", Refusal.BAD_REQUEST, "limit") for bad in ("0", "-1", "x", "1001", "9" * 5000)),
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_older_words(
    path: str, query_string: str, code: Refusal, said: str
) -> None:
    found = refusal(path, query_string)
    assert found.refusal == code
    assert said in found.detail


@pytest.mark.parametrize(
    ("found", "key", "answer"),
    [
        (asked(BY_TYPE), "click", [{"event_type": "click", "count": 2}]),
        (asked(BY_USER), "ada", [{"user_id": "ada", "count": 2}]),
        (asked(BY_USER), None, [{"user_id": None, "count": 2}]),
        (asked(TIMESERIES), "2024-01-01T00:00:00+00:00", [{"timestamp": "2024-01-01T00:00:00+00:00", "count": 2}]),
        (asked(STATS, group_by="hour"), "t", {"stats": [{"timestamp": "t", "count": 2}]}),
        (asked(STATS, group_by="event"), "click", {"stats": [{"event_type": "click", "count": 2}]}),
    ],
)
def test_answers_have_the_older_shapes(found: Asked, key: str | None, answer: object) -> None:
    assert msgspec.to_builtins(found.listed([(key, 2)])) == answer


def test_only_a_get_of_an_older_address_is_an_older_question() -> None:
    clock = FixedClock(to_micros(NOW))
    assert asked_before(request("GET", COUNT, b"event_type=a%20b"), clock) == asked(COUNT, event_type="a b")
    assert asked_before(request("POST", COUNT), clock) is None
    assert asked_before(request("GET", "/api/v1/query/count"), clock) is None

"""Which range a time series is compared with."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.query_timeseries.compare import Range, compared
from shared.clock import to_datetime
from shared.query.buckets import Interval, cut
from shared.query.period import Period, parse_period
from shared.refusals import Refusal, Rejected


def between(text: str, zone: str) -> Period:
    first, _, last = text.partition("/")
    return parse_period(first, last, zone)


@pytest.mark.parametrize(
    ("zone", "interval", "wanted", "asked", "expected"),
    [
        ("UTC", "day", "previous_period", "2024-03-01/2024-03-31", "2024-01-30/2024-02-29"),
        ("UTC", "month", "previous_period", "2024-03-01/2024-05-31", "2023-12-01/2024-02-29"),
        ("UTC", "month", "previous_period", "2024-03-15/2024-05-20", "2023-12-15/2024-02-20"),
        ("UTC", "month", "previous_period", "2024-03-31/2024-03-31", "2024-02-29/2024-02-29"),
        ("UTC", "week", "previous_period", "2024-03-04/2024-03-17", "2024-02-19/2024-03-03"),
        ("UTC", "week", "previous_period", "2024-03-06/2024-03-15", "2024-02-21/2024-03-01"),
        (
            "UTC",
            "day",
            "previous_period",
            "2024-03-06T10:30:00/2024-03-07T18:00:00",
            "2024-03-04T10:30:00/2024-03-05T18:00:00",
        ),
        (
            "UTC",
            "hour",
            "previous_period",
            "2024-03-06T10:30:00/2024-03-06T12:00:00",
            "2024-03-06T08:30:00/2024-03-06T10:00:00",
        ),
        (
            "UTC",
            "minute",
            "previous_period",
            "2024-03-06T10:30:15/2024-03-06T10:32:00",
            "2024-03-06T10:28:15/2024-03-06T10:30:00",
        ),
        # days of 23 hours stand beside days, hours beside the same hours
        ("Europe/Berlin", "hour", "previous_period", "2024-03-31/2024-03-31", "2024-03-30/2024-03-30"),
        ("Europe/Berlin", "day", "previous_period", "2024-03-30/2024-04-01", "2024-03-27/2024-03-29"),
        ("UTC", "day", "previous_year", "2024-02-01/2024-02-29", "2023-02-01/2023-02-28"),
        ("UTC", "day", "previous_year", "2024-02-29/2024-02-29", "2023-02-28/2023-02-28"),
        ("Europe/Berlin", "hour", "previous_year", "2024-03-31/2024-03-31", "2023-03-31/2023-03-31"),
        ("UTC", "week", "previous_year", "2024-03-04/2024-03-17", "2023-03-06/2023-03-19"),
        ("UTC", "month", "previous_year", "2024-12-01/2024-12-31", "2023-12-01/2023-12-31"),
        ("Europe/Berlin", "day", Range("2020-01-01", "2020-01-02"), "2024-03-01/2024-03-31", "2020-01-01/2020-01-02"),
        # what is before every event is cut off
        ("UTC", "day", "previous_period", "1970-01-10/1970-01-20", "1970-01-01/1970-01-09"),
    ],
)
def test_the_range_compared_with(zone: str, interval: Interval, wanted: Any, asked: str, expected: str) -> None:
    assert compared(between(asked, zone), interval, wanted) == between(expected, zone)


@pytest.mark.parametrize("wanted", ["previous_period", "previous_year", Range("2024-01-02", "2024-01-01")])
def test_a_range_in_which_no_event_can_be_is_refused(wanted: Any) -> None:
    with pytest.raises(Rejected) as caught:
        compared(parse_period("1970-01-01", "1970-01-01", "UTC"), "day", wanted)
    assert caught.value.refusal is Refusal.BAD_RANGE


@given(
    st.integers(10**15, 4 * 10**15),
    st.integers(1, 60 * 86_400 * 10**6),
    st.sampled_from(["hour", "day", "week", "month"]),
    st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_the_period_before_ends_at_the_begin_or_earlier_and_has_as_many_points(
    start: int, length: int, interval: Interval, zone: str
) -> None:
    period = parse_period(to_datetime(start).isoformat(), to_datetime(start + length).isoformat(), zone)
    before = compared(period, interval, "previous_period")
    # moved on the local clock: a change of clocks may move an end by its size, and make or take a bucket of it
    assert before.start < before.end <= period.start + timedelta(days=1)
    assert abs(len(cut(before, interval)) - len(cut(period, interval))) <= 2
    if zone == "UTC":
        assert before.end <= period.start
        assert len(cut(before, interval)) == len(cut(period, interval))


def test_a_range_within_an_hour_that_is_shown_twice_keeps_its_length() -> None:
    period = parse_period("2024-10-27T02:30:00+02:00", "2024-10-27T02:10:00+01:00", "Europe/Berlin")
    before = compared(period, "day", "previous_year")
    assert isinstance(before, Period)
    assert before.end - before.start == timedelta(minutes=40)

"""Buckets against what the clocks of the world's odd zones show."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import to_datetime
from shared.query.buckets import MAX_POINTS, Buckets, Interval, check_points, cut
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.refusals import Refusal, Rejected
from tests.calendar_cases import CASES, STEP, Case, first_shown, shown

NAMES = sorted(available_timezones() - {"localtime", "Factory"})
UTC_ZONE = ZoneInfo("UTC")


def number_of(buckets: Buckets, moment: datetime) -> int:
    """As the warehouse looks it up."""
    starts = [start for start, _ in buckets.segments]
    return buckets.segments[max(0, bisect_right(starts, moment.timestamp() // 1) - 1)][1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.zone} {case.start} {case.interval}")
def test_a_bucket_is_what_the_clock_on_the_wall_shows(case: Case) -> None:
    period = parse_period(case.start, case.end, case.zone)
    buckets = cut(period, case.interval)  # type: ignore[arg-type]  # the cases name intervals as texts
    expected = first_shown(period.start, period.end, period.zone, case.interval)
    assert len(buckets) == case.buckets
    assert buckets.starts == list(expected.values())
    assert buckets.labels() == [start.astimezone(period.zone).isoformat() for start in expected.values()]
    keys = list(expected)
    moment = period.start
    while moment < period.end:
        assert keys[number_of(buckets, moment)] == shown(moment, period.zone, case.interval), moment
        moment += STEP


@given(
    st.sampled_from(NAMES),
    st.integers(0, 178 * 365 * 86_400 * 10**6),
    st.integers(1, 400 * 86_400 * 10**6),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["minute", "hour", "day", "week", "month"]),
)
def test_any_instant_of_any_zone_is_in_the_bucket_its_clock_shows(
    name: str, start: int, length: int, part: float, interval: Interval
) -> None:
    length = min(length, 9_000 * 60 * 10**6) if interval == "minute" else length
    period = Period(to_datetime(start), to_datetime(start + length), ZoneInfo(name))
    buckets = cut(period, interval)
    for moment in (period.start, period.end - timedelta(microseconds=1), to_datetime(start + int(length * part))):
        number = number_of(buckets, moment)
        assert buckets.starts[number] <= moment < buckets.ends[number]
        key = shown(moment, period.zone, interval)
        assert shown(buckets.starts[number], period.zone, interval) == key
        before, after = buckets.starts[number] - timedelta(microseconds=1), buckets.ends[number]
        assert shown(before, period.zone, interval) != key != shown(after, period.zone, interval)
    assert buckets.starts == sorted(set(buckets.starts))
    assert len({shown(start, period.zone, interval) for start in buckets.starts}) == len(buckets)


def test_no_zone_changes_its_clocks_twice_within_the_days_that_are_skipped_at_once() -> None:
    """Looked for in 1970 to 2037, in the zones that changed them most often."""
    for name in ("America/Boa_Vista", "America/Recife", "Asia/Gaza", "Africa/Casablanca", "America/Argentina/Tucuman"):
        zone = ZoneInfo(name)
        offsets = [datetime.fromtimestamp(hour * 3_600, zone).utcoffset() for hour in range(0, 68 * 365 * 24, 6)]
        changes = [place for place, (before, here) in enumerate(pairwise(offsets)) if before != here]
        assert min(here - before for before, here in pairwise(changes)) > 3 * 24 / 6


def test_buckets_of_a_clipped_range_keep_their_own_begin_and_end() -> None:
    buckets = cut(parse_period("2024-03-06T15:30:00.5", "2024-03-12T08:00:00", "UTC"), "week")
    assert buckets.labels() == ["2024-03-04T00:00:00+00:00", "2024-03-11T00:00:00+00:00"]
    assert buckets.ends[-1] == datetime(2024, 3, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2024-03-01", "2024-03-01"),
        ("2024-03-02", "2024-03-02"),
        ("2024-03-03T12:00", "2024-03-03"),
        ("2024-03-04", ""),
    ],
)
def test_a_bucket_is_unfinished_until_its_end(now: str, day: str) -> None:
    buckets = cut(parse_period("2024-03-01", "2024-03-03", "UTC"), "day")
    found = buckets.unfinished(datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == (f"{day}T00:00:00+00:00" if day else None)


@pytest.mark.parametrize(
    ("start", "end", "interval", "instead"),
    [
        ("2024-01-01", "2024-01-31", "minute", "take interval=hour or a shorter range"),
        ("1970-01-01", "2149-01-01", "minute", "take interval=week or a shorter range"),
        ("1970-01-01", "2149-01-01", "hour", "take interval=week or a shorter range"),
        ("1970-01-01", "2149-01-01", "day", "take interval=week or a shorter range"),
        ("2024-01-01T00:00:00", "2024-01-07T22:40:01", "minute", "take interval=hour or a shorter range"),
    ],
)
def test_too_many_points_are_refused_with_the_interval_to_take(
    start: str, end: str, interval: Interval, instead: str
) -> None:
    with pytest.raises(Rejected) as caught:
        cut(parse_period(start, end, "UTC"), interval)
    assert caught.value.refusal is Refusal.QUERY_TOO_EXPENSIVE
    assert caught.value.detail.endswith(instead)


def test_as_many_points_as_are_allowed_are_answered() -> None:
    assert len(cut(parse_period("2024-01-01T00:00:00", "2024-01-07T22:40:00", "UTC"), "minute")) == MAX_POINTS


def test_series_multiply_points() -> None:
    period = parse_period("2024-01-01", "2024-12-31", "UTC")
    check_points(1_000, 10, "hour", period)
    with pytest.raises(
        Rejected, match=r"in each of 1,001 series .* take interval=month or a shorter range or a smaller"
    ):
        check_points(53, 1_001, "week", Period(period.start, period.start + timedelta(days=200), UTC_ZONE))
    with pytest.raises(Rejected, match="10,000: take a shorter range or a smaller `limit`"):
        check_points(12, 1_001, "month", period)


def test_the_warehouse_gets_boundaries_as_bound_values() -> None:
    parameters = Parameters()
    sql = cut(parse_period("2024-03-30", "2024-03-31", "Europe/Berlin"), "day").number_sql(parameters)
    assert sql == (
        "transform(roundDown(toUnixTimestamp64Second(timestamp), {p0:Array(Int64)}), "
        "{p0:Array(Int64)}, {p1:Array(UInt16)}, toUInt16(0))"
    )
    assert parameters.values == {"p0": [1711753200, 1711839600], "p1": [0, 1]}

"""Cron lines in zones: right where the clocks change, never twice, quick for long spans; bad lines are refused."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.refusals import Refusal, Rejected
from shared.timers.schedule import Schedule, parse_schedule

BERLIN = "Europe/Berlin"  # 2026: forward on March 29 at 01:00 UTC, back on October 25 at 01:00 UTC


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def texts(cron: str, zone: str, after: str, until: str) -> list[str]:
    found = parse_schedule(cron, zone).between(utc(after), utc(until))
    return [f"{moment:%m-%d %H:%M}" for moment in found]


def test_a_time_of_day_is_that_of_the_zone_in_summer_and_winter() -> None:
    assert texts("0 8 * * *", BERLIN, "2026-03-27", "2026-03-31") == [
        "03-27 07:00",
        "03-28 07:00",
        "03-29 06:00",
        "03-30 06:00",
    ]


def test_a_time_the_day_does_not_have_is_due_when_the_gap_ends() -> None:
    assert texts("30 2 * * *", BERLIN, "2026-03-28", "2026-03-31") == ["03-28 01:30", "03-29 01:00", "03-30 00:30"]


def test_two_times_that_fall_into_the_gap_and_the_one_at_its_end_are_one_window() -> None:
    assert texts("0,30 2-3 * * *", BERLIN, "2026-03-29", "2026-03-29 12:00") == ["03-29 01:00", "03-29 01:30"]


def test_a_time_the_day_has_twice_is_due_once_at_the_first() -> None:
    assert texts("30 2 * * *", BERLIN, "2026-10-24", "2026-10-27") == ["10-24 00:30", "10-25 00:30", "10-26 01:30"]
    between_the_two = utc("2026-10-25 01:10")
    assert parse_schedule("30 2 * * *", BERLIN).next(between_the_two) == utc("2026-10-26 01:30")


@pytest.mark.parametrize("around", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize(("cron", "minutes"), [("0 * * * *", 60), ("*/15 * * * *", 15)])
def test_spans_stay_even_where_the_clocks_change(around: str, cron: str, minutes: int) -> None:
    found = list(
        parse_schedule(cron, BERLIN).between(utc(around) - timedelta(hours=2), utc(around) + timedelta(days=1))
    )
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(minutes=minutes)}


def test_a_zone_that_is_half_an_hour_off_and_changes_by_half_an_hour() -> None:
    # Lord Howe: from +11:00 back to +10:30 on 2026-04-04 15:00 UTC, local 02:00 → 01:30.
    zone = "Australia/Lord_Howe"
    assert texts("45 1 * * *", zone, "2026-04-04", "2026-04-06") == ["04-04 14:45", "04-05 15:15"]
    assert texts("0 8 * * *", "Asia/Kathmandu", "2026-01-01", "2026-01-02") == ["01-01 02:15"]


def test_a_day_that_a_zone_left_out_is_made_up_for_at_its_end() -> None:
    # Samoa had no 30th of December 2011.
    assert texts("0 12 * * *", "Pacific/Apia", "2011-12-29 12:00", "2011-12-31 23:00") == [
        "12-29 22:00",
        "12-30 10:00",
        "12-30 22:00",
        "12-31 22:00",
    ]


def test_rare_lines_are_found_forward_and_backward() -> None:
    leap = parse_schedule("0 0 29 2 *")
    assert leap.next(utc("2096-03-01")) == utc("2104-02-29")
    assert leap.previous(utc("2104-02-29")) == utc("2096-02-29")
    assert parse_schedule("0 9 * * mon").previous(utc("2026-01-12 09:00")) == utc("2026-01-05 09:00")


def test_the_last_windows_of_a_year_of_minutes_are_found_without_walking_it() -> None:
    schedule, until = parse_schedule("* * * * *"), utc("2026-01-01")
    assert schedule.last(utc("2020-01-01"), until, 3) == [until - timedelta(minutes=left) for left in (2, 1, 0)]
    assert schedule.last(until - timedelta(minutes=2), until, 5) == [until - timedelta(minutes=1), until]
    assert schedule.last(until, until, 5) == []


@pytest.mark.parametrize(
    "cron",
    [
        "",
        "* * * *",
        "* * * * * *",
        "@daily",
        "60 * * * *",
        "0 24 * * *",
        "0 0 30 2 *",
        "0 0 * * 8",
        "*/0 * * * *",
        "R * * * *",
        "H * * * *",
        "0 0 l * *",
        "0 0 * * mon#2",
        "5-1/0 * * * *",
        "٣ * * * *",
        "a b c d e",
        "*" * 5_000 + " * * * *",
        "99999999999999999999 * * * *",
        "0 0 0 * *",
        "0-59999999 * * * *",
        "1," * 20_000 + "1 * * * *",
    ],
)
def test_a_line_that_is_none_is_refused(cron: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_schedule(cron)
    assert caught.value.refusal is Refusal.BAD_SCHEDULE
    assert len(caught.value.detail) < 400


def test_a_line_is_kept_in_one_spelling() -> None:
    assert parse_schedule(" 0,30\t8-18/2 *  JAN-mar Mon \n").cron == "0,30 8-18/2 * jan-mar mon"


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        parse_schedule("0 8 * * *", "Europe/Atlantis")
    assert caught.value.refusal is Refusal.BAD_TIMEZONE


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0,10 8 * * *", "* * 1 1 *", "50,59 23 * * *"])
def test_a_line_that_comes_too_often_is_refused(cron: str) -> None:
    with pytest.raises(Rejected) as caught:
        parse_schedule(cron, shortest=timedelta(minutes=15))
    assert caught.value.refusal is Refusal.BAD_SCHEDULE
    assert "15 minutes" in caught.value.detail


ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"]
LINES = ["0 * * * *", "*/20 * * * *", "15 2 * * *", "30 1,2,3 * * *", "0 0 * * 0", "45 23 1,15 * *", "0 12 31 * *"]


@settings(max_examples=150)
@given(
    zone=st.sampled_from(ZONES),
    line=st.sampled_from(LINES),
    start=st.integers(0, 4 * 365 * 86_400).map(lambda seconds: utc("2024-01-01") + timedelta(seconds=seconds)),
)
def test_every_moment_is_found_from_anywhere_before_it_and_none_twice(zone: str, line: str, start: datetime) -> None:
    schedule = Schedule(line, zone)
    found = list(itertools.islice(schedule.between(start, start + timedelta(days=90)), 8))
    assert found == sorted(set(found))
    assert all(moment > start for moment in found)
    for earlier, later in itertools.pairwise(found):
        for part in (0.001, 0.5, 0.999):
            assert schedule.next(earlier + part * (later - earlier)) == later
        assert schedule.previous(later) == earlier

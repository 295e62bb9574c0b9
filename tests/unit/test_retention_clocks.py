"""When retention may trust the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from functions.retention_enforce.clocks import Seen, objection

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_clock_that_all_agree_with_is_trusted() -> None:
    assert objection(NOW, Seen(NOW, NOW - DAY)) == ""
    assert objection(NOW, Seen(NOW, None)) == ""


@pytest.mark.parametrize("apart", [timedelta(minutes=6), -timedelta(minutes=6), DAY * 400])
def test_a_clock_other_than_the_catalogs_is_not(apart: timedelta) -> None:
    assert "catalog" in objection(NOW, Seen(NOW + apart, NOW - DAY))


def test_a_clock_before_the_newest_event_is_not() -> None:
    assert "newest event" in objection(NOW, Seen(NOW, NOW + DAY))


def test_a_clock_long_after_anything_known_waits_a_day_and_then_goes_on() -> None:
    ago = NOW - 33 * DAY
    assert "jumped" in objection(NOW, Seen(NOW, ago))
    assert "jumped" in objection(NOW, Seen(NOW, ago, [ago], [NOW - DAY / 2]))
    assert objection(NOW, Seen(NOW, ago, [ago], [NOW - DAY, NOW - DAY / 2])) == ""
    assert objection(NOW, Seen(NOW, ago, [NOW - DAY])) == ""


def test_runs_held_at_times_that_have_not_come_or_before_the_silence_say_nothing() -> None:
    ago = NOW - 33 * DAY
    assert "jumped" in objection(NOW, Seen(NOW, ago, [], [NOW + 400 * DAY]))
    assert "jumped" in objection(NOW, Seen(NOW, ago, [], [ago - DAY]))

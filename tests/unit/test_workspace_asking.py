from datetime import UTC, datetime, timedelta

import pytest

from shared import saved_queries as asking
from shared.clock import FixedClock, to_micros
from shared.refusals import Refusal, Rejected
from shared.saved_queries import Asked, check_range, ranged

# Two days after Berlin's clocks went forward.
NOW = datetime(2026, 3, 31, 10, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SYSTEM_CLOCK", FixedClock(to_micros(NOW)))


@pytest.mark.parametrize(
    ("last", "start"),
    [
        ("1d", "2026-03-30T22:00:00+00:00"),
        ("7d", "2026-03-24T23:00:00+00:00"),
        ("", "2026-03-01T23:00:00+00:00"),
        ("24h", "2026-03-30T10:00:00+00:00"),
    ],
)
def test_a_moving_range_is_of_whole_days_in_the_projects_zone(last: str, start: str) -> None:
    found = ranged(Asked("count", {"events": ["e"]}, last), "Europe/Berlin")
    assert (found["from"], found["to"]) == (start, NOW.isoformat())
    assert (found["timezone"], found["events"]) == ("Europe/Berlin", ["e"])


def test_a_query_with_a_range_of_its_own_keeps_it() -> None:
    query = {"from": "2026-01-01", "to": "2026-01-31", "timezone": "Asia/Tokyo"}
    assert ranged(Asked("count", query, ""), "Europe/Berlin") == query


def test_a_querys_own_zone_goes_before_the_projects() -> None:
    assert ranged(Asked("count", {"timezone": "Asia/Tokyo"}, "1d"), "UTC")["timezone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("query", "last", "refusal"),
    [
        ({}, "0d", Refusal.BAD_RANGE),
        ({}, "7 days", Refusal.BAD_RANGE),
        ({}, "9999y", Refusal.BAD_RANGE),
        ({"from": "2026-01-01", "to": "2026-01-02"}, "7d", Refusal.BAD_RANGE),
        ({"to": "2026-01-02"}, "", Refusal.BAD_RANGE),
        ({"from": ["x"], "to": 1}, "", Refusal.BAD_RANGE),
        ({"timezone": 1}, "", Refusal.BAD_TIMEZONE),
        ({"timezone": "Mars/Base"}, "", Refusal.BAD_TIMEZONE),
        ({"cursor": "x"}, "", Refusal.BAD_REQUEST),
    ],
)
def test_a_range_that_is_none_is_refused(query: dict[str, object], last: str, refusal: Refusal) -> None:
    with pytest.raises(Rejected) as rejected:
        check_range(Asked("count", query, last))
    assert rejected.value.refusal is refusal


def test_the_longest_range_is_still_a_time() -> None:
    assert ranged(Asked("count", {}, "50y"), "UTC")["from"] < (NOW - timedelta(days=365 * 49)).isoformat()

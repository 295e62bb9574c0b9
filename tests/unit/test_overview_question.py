"""What the Overview's panels are asked: the range, what it is compared with, and the interval."""

from datetime import UTC, datetime

import pytest

from functions.workspace.overview import OverviewQuery, _compared, _interval, _period, _questions
from shared.query.filters import Filter
from shared.refusals import Rejected

NOW = datetime(2026, 3, 31, 10, 20, tzinfo=UTC)


def echo(query: OverviewQuery, now: datetime = NOW) -> tuple[tuple[str, str], tuple[str, str], str]:
    period = _period(query, now)
    compared = _compared(period, query.compare, now)
    shown = [(one.echo()["from"], one.echo()["to"]) for one in (period, compared)]
    return shown[0], shown[1], _interval(period)


def test_thirty_days_end_today_and_are_compared_with_the_same_part_of_the_thirty_before() -> None:
    assert echo(OverviewQuery()) == (
        ("2026-03-02T00:00:00+00:00", "2026-04-01T00:00:00+00:00"),
        ("2026-01-31T00:00:00+00:00", "2026-03-01T10:20:00+00:00"),
        "day",
    )


def test_a_day_that_was_an_hour_short_is_compared_on_the_local_clock() -> None:
    monday = datetime(2026, 3, 30, 8, tzinfo=UTC)
    assert echo(OverviewQuery(range="today", timezone="Europe/Berlin"), monday) == (
        ("2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00"),
        ("2026-03-29T00:00:00+01:00", "2026-03-29T10:00:00+02:00"),
        "hour",
    )


def test_a_range_that_is_over_is_compared_whole_with_the_same_weekdays_a_year_before() -> None:
    query = OverviewQuery(start="2026-01-05", end="2026-01-11", compare="previous_year")
    assert echo(query)[1] == ("2025-01-06T00:00:00+00:00", "2025-01-13T00:00:00+00:00")


def test_bots_are_left_out_and_counted_apart() -> None:
    period = _period(OverviewQuery(), NOW)
    given = [Filter("country", "eq", "DE"), Filter("bot", "ne", "true")]
    asked = _questions(OverviewQuery(filters=given), period, None, "day")
    assert [one["property"] for one in asked["count"].query["filters"]] == ["country", "bot", "bot"]
    assert [(one["property"], one["op"]) for one in asked["hidden_bots"].query["filters"]] == [
        ("country", "eq"),
        ("bot", "eq"),
    ]
    assert "compare" not in asked["series"].query


@pytest.mark.parametrize(
    "query", [OverviewQuery(start="2026-01-01"), OverviewQuery(start="1970-01-02", end="1970-01-03")]
)
def test_a_range_that_is_half_or_has_nothing_before_it_is_refused(query: OverviewQuery) -> None:
    with pytest.raises(Rejected):
        echo(query)

"""Explore on the real engine: each series is its time series, and what is computed of them is plain arithmetic."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from functions.query_timeseries.explore import ExploreAnswer, ExploreQuery, Line, explore
from functions.query_timeseries.logic import TimeseriesQuery, timeseries
from shared.clock import FixedClock, to_micros
from shared.refusals import Refusal, Rejected
from tests.integration.reading import NOW, Stored, batch, row, stored

DAY = timedelta(days=1)
SHOP = uuid.UUID("018f0000-0000-7000-8000-0000000000e1")
RANGE = {"from": "2026-03-26", "to": "2026-03-31", "timezone": "UTC"}
SIX = [31, 30, 29, 28, 27, 26]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("explore")) as found:
        events = [
            row("view", ago * DAY, {"plan": plan, "n": ago}, user_id=f"{plan}{who}")
            for ago in range(8)
            for plan, count in (("pro", 3), ("free", 2), ("old", 1))
            for who in range(count + ago % 2)
        ]
        events += [row("buy", ago * DAY, {"plan": "pro", "n": 10 * ago}, user_id="pro0") for ago in (0, 2, 3)]
        events += [row("buy", 4 * DAY, {"plan": "gone"}, user_id="gone0")]
        found.put(batch(SHOP, *events))
        yield found


def ask(shop: Stored, **given: Any) -> ExploreAnswer:
    query = msgspec.convert({**RANGE, **given}, ExploreQuery)
    return shop.run(explore(query, SHOP, shop.warehouse, FixedClock(to_micros(NOW))))


def series_of(shop: Stored, **given: Any) -> list[tuple[str, Any]]:
    query = msgspec.convert({**RANGE, **given}, TimeseriesQuery)
    return shop.run(timeseries(query, SHOP, shop.warehouse, FixedClock(to_micros(NOW)))).series[0].points


def values(line: Line) -> list[float | int | None]:
    return [value for _, value in line.points]


def test_every_series_is_what_its_own_question_answers(shop: Stored) -> None:
    asked: list[dict[str, Any]] = [
        {"measure": "users", "events": ["view"]},
        {"measure": "avg:n", "filters": [{"property": "properties.plan", "op": "eq", "value": "pro"}]},
        {"measure": "count", "events": ["never"]},
    ]
    answer = ask(shop, series=asked)
    assert [line.name for line in answer.series] == ["A", "B", "C"]
    for line, one in zip(answer.series, asked, strict=True):
        assert line.points == series_of(shop, **one)
    assert (answer.exact, answer.incomplete_last, answer.compare) == (True, True, None)


def test_a_formula_is_computed_point_by_point_and_of_the_totals(shop: Stored) -> None:
    answer = ask(
        shop,
        series=[{"events": ["buy"], "hidden": True}, {"measure": "users", "events": ["view"], "hidden": True}],
        formulas=[{"formula": "100 * A / B", "label": "Rate"}, {"formula": "A / (A - A)"}],
    )
    rate, never = answer.series
    bought = [value for _, value in series_of(shop, events=["buy"])]
    people = [value for _, value in series_of(shop, measure="users", events=["view"])]
    assert values(rate) == [100 * one / all_ for one, all_ in zip(bought, people, strict=True)]
    # nine people in six days, of whom most come every day: the totals are not the sums
    assert rate.total == pytest.approx(100 * 4 / 9)
    assert (rate.label, rate.name) == ("Rate", "100 * A / B")
    assert values(never) == [None] * 6
    assert never.total is None


def test_running_totals_and_moving_averages(shop: Stored) -> None:
    bought = {"events": ["buy"]}
    answer = ask(
        shop,
        series=[
            {**bought, "cumulative": True},
            {**bought, "moving_average": 3},
            {**bought, "measure": "max:n", "cumulative": True},
            {"events": ["view"], "hidden": True},
        ],
        formulas=[{"formula": "A / D", "cumulative": True}],
    )
    total, mean, most, rate = map(values, answer.series)
    assert total == [0, 1, 2, 3, 3, 4]
    assert mean == [None, None, 2 / 3, 1, 2 / 3, 2 / 3]
    assert most == [None, None, 30, 30, 30, 30]
    views = [value for _, value in series_of(shop, events=["view"])]
    assert rate == [one / sum(views[: place + 1]) for place, one in enumerate(total)]
    assert answer.series[0].total == 4


def test_groups_are_the_largest_of_the_first_series_for_all_of_them(shop: Stored) -> None:
    answer = ask(
        shop,
        series=[{"events": ["view"]}, {"events": ["buy"]}],
        formulas=[{"formula": "B / A"}],
        group_by="properties.plan",
        limit=2,
        compare="previous_period",
    )
    keys = [("pro", False), ("free", False), (None, True)]
    assert [(line.key, line.other) for line in answer.series] == keys * 3
    assert [line.total for line in answer.series[3:6]] == [3, 0, 1]
    assert values(answer.series[8])[1] == 1 / 1  # the day of the one sale that is not of the two largest groups
    assert answer.compare is not None
    assert [(line.key, line.other) for line in answer.compare.series] == keys * 3


def test_a_group_that_only_a_later_series_has_is_in_the_rest(shop: Stored) -> None:
    answer = ask(shop, series=[{"events": ["buy"]}, {"events": ["view"]}], group_by="properties.plan", limit=5)
    assert [(line.name, line.key, line.other, line.total) for line in answer.series] == [
        ("A", "pro", False, 3),
        ("A", "gone", False, 1),
        ("A", None, True, 0),
        ("B", "pro", False, 21),
        ("B", "gone", False, 0),
        ("B", None, True, 24),
    ]
    nothing = ask(shop, series=[{"events": ["never"]}], group_by="properties.plan")
    assert nothing.series == []


def test_what_cannot_be_computed_is_refused(shop: Stored) -> None:
    for given, said in (
        ({"series": [{"measure": "users", "cumulative": True}]}, "series A cannot be cumulative"),
        (
            {"series": [{}, {"measure": "avg:n"}], "formulas": [{"formula": "A/B", "cumulative": True}]},
            "series B cannot be cumulative",
        ),
        ({"series": [{"cumulative": True, "moving_average": 7}]}, r"series\[0\].*one of the two"),
        ({"series": [{}], "formulas": [{"formula": "A/C"}]}, "'C'"),
        ({"series": [{"hidden": True}]}, "nothing would be shown"),
    ):
        with pytest.raises(Rejected, match=said) as refused:
            ask(shop, **given)
        assert refused.value.refusal is Refusal.BAD_REQUEST

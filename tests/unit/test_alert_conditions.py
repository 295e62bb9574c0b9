"""The conditions of alert rules, judged by plain numbers."""

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.alert_evaluate.conditions import WEEK, Anomaly
from functions.alert_evaluate.rules import Rule
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected

HOUR = timedelta(hours=1)


def rule(condition: dict[str, Any], **more: Any) -> Rule:
    import msgspec

    body = {"name": "n", "query": {"events": ["a"]}, "window": "1h", "condition": condition, **more}
    return from_json(msgspec.json.encode(body), Rule)


def judged(condition: dict[str, Any], *numbers: float | None, firing: bool = False) -> tuple[bool, float | None]:
    holds, value = rule(condition).checked().judge(numbers, firing=firing)
    return holds, value


def backs(condition: dict[str, Any]) -> list[timedelta]:
    return [need.back for need in rule(condition).needs()]


@pytest.mark.parametrize(("op", "mark", "recover", "between"), [("gt", 10, 7, 8), ("lte", 10, 13, 12)])
def test_what_fires_recovers_at_a_mark_of_its_own(op: str, mark: float, recover: float, between: float) -> None:
    condition = {"type": "threshold", "op": op, "value": mark, "recover": recover}
    assert judged(condition, between) == (False, between)
    assert judged(condition, between, firing=True) == (True, between)
    beyond = recover - 1 if op == "gt" else recover + 1
    assert judged(condition, beyond, firing=True) == (False, beyond)


@pytest.mark.parametrize(
    ("direction", "now", "before", "expected"),
    [
        ("up", 150, 100, (True, 50.0)),
        ("up", 149, 100, (False, 49.0)),
        ("up", 50, 100, (False, -50.0)),
        ("down", 50, 100, (True, -50.0)),
        ("either", 50, 100, (True, -50.0)),
        ("either", 150, 100, (True, 50.0)),
        ("up", 1, 0, (True, None)),
        ("down", 1, 0, (False, None)),
        ("either", 0, 0, (False, 0.0)),
        ("down", None, 10, (True, -100.0)),
        ("up", -50, -100, (True, 50.0)),
    ],
)
def test_a_change_is_a_share_of_what_was(
    direction: str, now: float | None, before: float, expected: tuple[bool, float | None]
) -> None:
    assert judged({"type": "change", "value": 50, "direction": direction}, now, before) == expected


def test_a_change_is_asked_of_the_window_before_or_the_same_time_earlier() -> None:
    assert backs({"type": "change", "value": 1}) == [timedelta(), HOUR]
    assert backs({"type": "change", "value": 1, "against": "day"}) == [timedelta(), timedelta(days=1)]
    assert backs({"type": "change", "value": 1, "against": "week"}) == [timedelta(), WEEK]


def test_a_rate_is_how_much_more_than_the_window_before() -> None:
    assert judged({"type": "rate", "op": "gt", "value": 5}, 16, 10) == (True, 6.0)
    assert judged({"type": "rate", "op": "lt", "value": -5}, 4, 10) == (True, -6.0)
    assert judged({"type": "rate", "op": "gt", "value": 5}, None, 10) == (False, -10.0)


def test_a_ratio_of_nothing_never_holds() -> None:
    condition = {"type": "ratio", "of": {"events": ["b"]}, "op": "lt", "value": 0.5}
    assert judged(condition, 1, 4) == (True, 0.25)
    assert judged(condition, 3, 4) == (False, 0.75)
    assert judged(condition, 0, 0) == (False, None)
    assert judged(condition, None, 4) == (True, 0.0)


def test_several_hold_together_or_one_by_one() -> None:
    parts = [
        {"condition": {"type": "threshold", "op": "gt", "value": 10}},
        {"condition": {"type": "change", "value": 50}, "query": {"events": ["b"]}},
    ]
    for match, numbers, holds in (
        ("all", (11, 4, 1), True),
        ("all", (11, 1, 1), False),
        ("any", (11, 1, 1), True),
        ("any", (1, 4, 1), True),
        ("any", (1, 1, 1), False),
    ):
        condition = {"type": "composite", "match": match, "conditions": parts}
        assert judged(condition, *numbers)[0] is holds, (match, numbers)
    needs = rule({"type": "composite", "match": "all", "conditions": parts}).needs()
    assert [need.query.events for need in needs] == [["a"], ["b"], ["b"]]


def test_of_too_few_events_nothing_is_concluded() -> None:
    one = rule({"type": "change", "value": 50}, min_volume=20).checked()
    assert len(one.needs()) == 3
    assert one.judge([30, 10, 30], firing=False).holds
    assert not one.judge([9, 1, 9], firing=True).holds


def test_an_anomaly_is_what_the_weeks_before_do_not_explain() -> None:
    usual = [100.0, 104, 97, 101, 99, 103, 98, 102, 100, 101, 96, 105]
    assert judged({"type": "anomaly"}, 103, *usual) == (False, 103)
    assert judged({"type": "anomaly"}, 300, *usual) == (True, 300)
    assert judged({"type": "anomaly"}, 10, *usual) == (True, 10)
    assert judged({"type": "anomaly", "direction": "up"}, 10, *usual) == (False, 10)
    assert judged({"type": "anomaly"}, None, *usual) == (True, 0)
    assert judged({"type": "anomaly"}, 300, *usual[:5], *[0.0] * 7) == (False, 300)


def test_an_anomaly_is_asked_of_the_same_hour_of_the_weeks_before_and_its_neighbours() -> None:
    found = backs({"type": "anomaly", "weeks": 2})
    assert found == [timedelta(), WEEK - HOUR, WEEK, WEEK + HOUR, 2 * WEEK - HOUR, 2 * WEEK, 2 * WEEK + HOUR]


def test_an_anomaly_rule_is_quiet_on_noise_and_finds_what_was_put_in() -> None:
    chance = random.Random(7)

    def counted(mean: float) -> float:
        return float(max(0, round(chance.gauss(mean, mean**0.5))))

    condition, false_alarms, found = Anomaly(), 0, 0
    for hour in range(2_000):
        mean = 200 + 150 * ((hour % 24) > 8)
        history = [counted(mean) for _ in range(12)]
        false_alarms += condition.judge([counted(mean), *history], firing=False).holds
        found += condition.judge([counted(mean * 2), *history], firing=False).holds
    assert (false_alarms, found) == (0, 2_000)


STEPS = [{"event": "a"}, {"event": "b"}]
FUNNEL = {"type": "funnel", "steps": STEPS, "within": "30m", "op": "lt", "value": 0.25}


def test_a_funnel_is_judged_by_its_conversion_once_everybody_had_the_time() -> None:
    one = rule({**FUNNEL, "recover": 0.5}, query={}, min_volume=20).checked()
    [need] = one.needs()
    assert need.back == timedelta(minutes=30)
    assert one.judge([100, 24], firing=False) == (True, 0.24)
    assert one.judge([100, 26], firing=False) == (False, 0.26)
    assert one.judge([100, 26], firing=True) == (True, 0.26)
    assert one.judge([19, 0], firing=False) == (False, 0.0), "too few began"
    assert not rule({**FUNNEL, "op": "lte"}, query={}).judge([0, 0], firing=False).holds, "of nobody there is none"
    query = one.funnel(need.funnel, need, datetime(2026, 3, 31, 12, tzinfo=UTC))  # type: ignore[arg-type]
    assert (query.start, query.end) == ("2026-03-31T10:30:00+00:00", "2026-03-31T11:30:00+00:00")


def test_several_take_as_many_numbers_as_they_need() -> None:
    parts = [{"condition": FUNNEL, "query": {}}, {"condition": {"type": "threshold", "op": "gt", "value": 10}}]
    one = rule({"type": "composite", "match": "all", "conditions": parts}).checked()
    assert one.judge([100, 10, 11], firing=False) == (True, 2.0)
    assert one.judge([100, 90, 11], firing=False) == (False, 1.0)


def seasonal(hours: int, chance: random.Random) -> list[float]:
    """Counts an hour, of a day and a week with a rhythm."""
    found = []
    for hour in range(hours):
        weekend = 0.5 if hour // 24 % 7 > 4 else 1.0
        mean = weekend * (200 + 150 * math.sin(hour / 24 * 2 * math.pi))
        found.append(float(max(0, round(chance.gauss(mean, mean**0.5)))))
    return found


def test_a_seasonal_anomaly_is_what_trend_day_and_week_do_not_explain() -> None:
    one = rule({"type": "anomaly", "method": "seasonal"}).checked()
    assert [need.width for need in one.needs()] == [1, 4 * 7 * 24]
    *history, now = seasonal(4 * 7 * 24 + 1, random.Random(7))
    history[100] = 5_000.0  # an old incident is no part of what is usual
    assert not one.judge([now, *history], firing=False).holds
    assert one.judge([now * 2, *history], firing=False).holds
    assert one.judge([0, *history], firing=False).holds
    assert not one.judge([9, *[0.0] * len(history)], firing=False).holds, "of nothing nothing is usual"


def test_only_short_windows_of_growing_numbers_may_be_decided_early() -> None:
    above = {"type": "threshold", "op": "gte", "value": 3}
    query = {"events": ["a"]}
    early = [
        rule(above, window="15m"),
        rule({"type": "absence"}, window="1m"),
        rule({**above, "op": "lt"}, window="5m"),
    ]
    late = [
        rule(above, window="16m"),
        rule({**above, "op": "eq"}, window="5m"),
        rule(above, window="5m", **{"for": "1m"}),
        rule(above, window="5m", query={**query, "measure": "avg:price"}),
        rule(above, window="5m", query={**query, "measure": "users"}),
        rule(above, window="5m", query={**query, "group_by": "country"}),
        rule(above, window="5m", query={"filters": [{"property": "person", "value": "u:1"}]}),
        rule({"type": "change", "value": 1}, window="5m"),
    ]
    assert [one.quick for one in early] == [True] * len(early)
    assert [one.quick for one in late] == [False] * len(late)


@pytest.mark.parametrize(
    ("condition", "more"),
    [
        ({**FUNNEL, "value": 2}, {"query": {}}),
        ({**FUNNEL, "steps": STEPS[:1]}, {"query": {}}),
        (FUNNEL, {}),
        (FUNNEL, {"query": {"group_by": "country"}}),
        ({"type": "anomaly", "method": "seasonal"}, {"query": {"group_by": "country"}}),
        ({"type": "absence"}, {"query": {"group_by": "country", "top": 51}}),
        ({"type": "absence"}, {"policy": "office"}),
        ({"type": "threshold", "op": "gt", "value": 1, "recover": 2}, {}),
        ({"type": "threshold", "op": "lt", "value": 2, "recover": 1}, {}),
        ({"type": "threshold", "op": "eq", "value": 2, "recover": 2}, {}),
        ({"type": "change", "value": 0}, {}),
        ({"type": "change", "value": 10, "recover": 20}, {}),
        ({"type": "change", "value": 10, "against": "year"}, {}),
        ({"type": "rate", "op": "gt"}, {}),
        ({"type": "ratio", "op": "gt", "value": 1}, {}),
        ({"type": "anomaly", "weeks": 1}, {}),
        ({"type": "anomaly", "sensitivity": 0}, {}),
        ({"type": "composite", "match": "all", "conditions": []}, {}),
        ({"type": "composite", "match": "all", "conditions": [{"condition": {"type": "absence"}}]}, {}),
        ({"type": "composite", "match": "some", "conditions": [{"condition": {"type": "absence"}}] * 2}, {}),
        ({"type": "absence"}, {"min_volume": 5}),
    ],
)
def test_a_condition_that_could_not_be_meant_is_refused(condition: dict[str, Any], more: dict[str, Any]) -> None:
    with pytest.raises(Rejected) as caught:
        rule(condition, **more).checked()
    assert caught.value.refusal is Refusal.BAD_REQUEST


def test_more_that_could_not_be_meant_is_refused_by_name() -> None:
    wrong: list[tuple[dict[str, Any], dict[str, Any], Refusal]] = [
        ({**FUNNEL, "within": "32d"}, {"query": {}}, Refusal.BAD_RANGE),
        ({**FUNNEL, "steps": [{}, {}]}, {"query": {}}, Refusal.BAD_QUESTION),
        ({"type": "anomaly", "method": "seasonal"}, {"window": "5m"}, Refusal.BAD_RANGE),
        ({"type": "anomaly", "method": "seasonal"}, {"window": "7h"}, Refusal.BAD_RANGE),
        ({"type": "anomaly", "method": "seasonal", "weeks": 2}, {}, Refusal.BAD_RANGE),
        ({"type": "absence"}, {"query": {"group_by": "segment"}}, Refusal.UNKNOWN_FIELD),
        ({"type": "absence"}, {"query": {"group_by": "user_id"}}, Refusal.UNKNOWN_FIELD),
        ({"type": "absence"}, {"query": {"group_by": "colour"}}, Refusal.UNKNOWN_FIELD),
    ]
    for condition, more, refusal in wrong:
        with pytest.raises(Rejected) as caught:
            rule(condition, **more).checked()
        assert caught.value.refusal is refusal, (condition, more)


@pytest.mark.parametrize(
    ("condition", "english", "russian"),
    [
        (
            {"type": "change", "value": 50, "direction": "down", "against": "week"},
            "count of a over 1h down by 50% against a week earlier",
            "count по a за 1h падение от 50% к тому же времени неделю назад",
        ),
        ({"type": "rate", "op": "gt", "value": 5}, "count of a over 1h grows by > 5", "count по a за 1h прирост > 5"),
        (
            {"type": "anomaly"},
            "count of a over 1h is unlike the weeks before",
            "count по a за 1h не похоже на прошлые недели",
        ),
        (
            FUNNEL,
            "conversion a → b within 30m over 1h < 0.25",
            "конверсия a → b не дольше чем за 30m за 1h < 0.25",
        ),
        (
            {"type": "anomaly", "method": "seasonal"},
            "count of a over 1h is unlike its trend, day and week",
            "count по a за 1h не похоже на обычный ход дня и недели",
        ),
        (
            {"type": "ratio", "of": {"events": ["b"]}, "op": "lt", "value": 0.5},
            "count of a over 1h as a share of count of b < 0.5",
            "count по a за 1h как доля от count по b < 0.5",
        ),
    ],
)
def test_every_condition_can_be_said(condition: dict[str, Any], english: str, russian: str) -> None:
    assert rule(condition).described() == english
    assert rule(condition, notify={"language": "ru"}).described() == russian
    each = rule(condition, query={"events": ["a"], "group_by": "country"})
    assert each.described() == f"{english}, for each country"

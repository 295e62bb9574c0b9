"""The states of an alert rule: fires once after `for`, resolves once, and decides nothing where nobody knows."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from functions.alert_evaluate.conditions import Absence, Threshold
from functions.alert_evaluate.rules import GroupedQuery, Rule
from functions.alert_evaluate.states import Judged, Standing, after, change
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected

ALERT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

YES, NO, UNKNOWN = Judged(True, 5.0), Judged(False, 0.0), Judged(None, code="unavailable", detail="away")


def walk(hold: int, *judged: Judged) -> list[str]:
    """The shown states, a `!` where somebody is told, `-` where the step is not even noted."""
    standing, seen = Standing(), []
    for number, one in enumerate(judged):
        end = START + number * MINUTE
        now = after(standing, one, ALERT, end, hold * MINUTE)
        step = change(standing, now, ALERT, end)
        seen.append(now.shown + ("!" if step and step.told else ""))
        standing = now
    return seen


def holds(rule: Rule, *numbers: float | None, firing: bool = False) -> bool:
    return rule.judge(numbers, firing=firing).holds


def test_it_fires_once_and_resolves_once() -> None:
    assert walk(0, NO, YES, YES, YES, NO, NO) == ["ok", "firing!", "firing", "firing", "resolved!", "ok"]


def test_it_is_pending_until_the_condition_held_for_long_enough() -> None:
    assert walk(2, YES, YES, YES, YES, NO) == ["pending", "pending", "firing!", "firing", "resolved!"]
    assert walk(2, YES, YES, NO, YES, YES, YES) == ["pending", "pending", "ok", "pending", "pending", "firing!"]


def test_what_nobody_knows_neither_fires_nor_resolves_nor_starts_the_wait_anew() -> None:
    assert walk(0, UNKNOWN, NO, UNKNOWN, YES) == ["unknown", "ok", "unknown", "firing!"]
    assert walk(0, YES, UNKNOWN, UNKNOWN, YES, NO) == ["firing!", "firing", "firing", "firing", "resolved!"]
    assert walk(2, YES, UNKNOWN, YES) == ["pending", "unknown", "firing!"]
    assert walk(5, YES, UNKNOWN, NO) == ["pending", "unknown", "ok"]


def test_it_fires_again_as_another_incident() -> None:
    first = after(Standing(), YES, ALERT, START, 0 * MINUTE)
    over = after(first, NO, ALERT, START + MINUTE, 0 * MINUTE)
    second = after(over, YES, ALERT, START + 2 * MINUTE, 0 * MINUTE)
    assert first.incident_id == over.incident_id
    assert second.incident_id not in {None, first.incident_id}


def test_two_evaluators_note_the_same_step_under_the_same_ids() -> None:
    first, second = (after(Standing(), YES, ALERT, START, 0 * MINUTE) for _ in range(2))
    assert first == second
    assert change(Standing(), first, ALERT, START) == change(Standing(), second, ALERT, START)


def test_a_resolved_rule_that_stays_so_is_no_further_step() -> None:
    assert change(Standing("resolved"), Standing("ok"), ALERT, START) is None


def test_a_problem_that_becomes_another_is_noted_and_told_nobody() -> None:
    before = Standing(problem_code="unavailable")
    step = change(before, Standing(problem_code="query_too_expensive"), ALERT, START)
    assert step is not None
    assert not step.told


def rule(**more: Any) -> Rule:
    given = {"name": "n", "query": {}, "window": "5m", "condition": {"type": "absence"}, **more}
    return from_json(msgspec.json.encode(given), Rule)


@pytest.mark.parametrize(
    ("op", "holding", "failing"),
    [("gt", 11, 10), ("gte", 10, 9), ("lt", 9, 10), ("lte", 10, 11), ("eq", 10, 9), ("ne", 9, 10)],
)
def test_a_threshold_compares(op: Any, holding: float, failing: float) -> None:
    one = rule(condition={"type": "threshold", "op": op, "value": 10})
    assert [holds(one, number) for number in (holding, failing, None)] == [True, False, False]


def test_absence_is_zero_or_nothing() -> None:
    assert [holds(rule(), number) for number in (0, None, 1, -1)] == [True, True, False, False]


def test_a_rule_says_in_one_line_what_it_means() -> None:
    query = GroupedQuery(events=["signup"])
    one = Rule(name="n", query=query, window="1h", condition=Threshold(op="lt", value=10))
    assert one.described() == "count of signup over 1h < 10"
    assert msgspec.structs.replace(one, condition=Absence()).described() == "count of signup over 1h = 0"
    russian = rule(notify={"language": "ru"}, query={"filters": [{"property": "url", "op": "is_set"}]})
    assert russian.described() == "count где url за 5m = 0"


def test_a_window_ends_where_it_is_asked_and_is_as_long_as_it_says() -> None:
    period = rule(window="2h").period(START)
    assert (period.start, period.end) == (START - timedelta(hours=2), START)


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"window": "0m"}, Refusal.BAD_RANGE),
        ({"window": "32d"}, Refusal.BAD_RANGE),
        ({"for": "25h"}, Refusal.BAD_RANGE),
        ({"window": "5 minutes"}, Refusal.BAD_REQUEST),
        ({"window": "5m\n"}, Refusal.BAD_REQUEST),
        ({"window": 5}, Refusal.BAD_REQUEST),
        ({"query": {"measure": "median:price"}}, Refusal.BAD_MEASURE),
        ({"query": {"filters": [{"property": "nothing.there"}]}}, Refusal.UNKNOWN_FIELD),
        ({"query": {"filters": [{"property": "event", "op": "in", "value": 1}]}}, Refusal.BAD_FILTER),
        ({"query": {"from": "2026-01-01"}}, Refusal.UNKNOWN_FIELD),
        ({"query": {"events": ["x"] * 201}}, Refusal.BAD_FILTER),
        ({"condition": {"type": "magic"}}, Refusal.BAD_REQUEST),
        ({"condition": {"type": "threshold", "op": "gt"}}, Refusal.BAD_REQUEST),
        ({"condition": {"type": "threshold", "op": ">", "value": 1}}, Refusal.BAD_REQUEST),
        ({"condition": {"type": "absence", "value": 1}}, Refusal.UNKNOWN_FIELD),
        ({"name": ""}, Refusal.BAD_REQUEST),
        ({"name": "a\u0000b"}, Refusal.BAD_REQUEST),
        ({"notify": {"emails": ["nobody"]}}, Refusal.BAD_REQUEST),
        ({"notify": {"emails": ["a@b.example\r\nBcc: c@d.example"]}}, Refusal.BAD_REQUEST),
        ({"notify": {"emails": ["a@b.example\n"]}}, Refusal.BAD_REQUEST),
        ({"notify": {"emails": ["a@b.example,c@d.example"]}}, Refusal.BAD_REQUEST),
        ({"notify": {"emails": ["a@b.example"] * 11}}, Refusal.BAD_REQUEST),
        ({"notify": {"webhooks": ["x"]}}, Refusal.BAD_REQUEST),
        ({"notify": {"language": "de"}}, Refusal.BAD_REQUEST),
        ({"severity": "high"}, Refusal.BAD_REQUEST),
        ({"volume": 1}, Refusal.UNKNOWN_FIELD),
    ],
)
def test_a_rule_that_is_none_is_refused(more: dict[str, Any], refusal: Refusal) -> None:
    with pytest.raises(Rejected) as caught:
        rule(**more).checked()
    assert caught.value.refusal is refusal
    assert caught.value.detail

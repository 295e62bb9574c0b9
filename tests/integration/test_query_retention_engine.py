"""Retention, lifecycle and stickiness on the real engine, against plain Python over the same histories."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from functions.query_retention.activity import lifecycle, lifecycle_people, stickiness, stickiness_people
from functions.query_retention.logic import people, retention
from functions.query_retention.question import (
    LifecyclePeopleQuery,
    LifecycleQuery,
    RetentionPeopleQuery,
    RetentionQuery,
    StickinessPeopleQuery,
    StickinessQuery,
)
from shared.query.acts import Act
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from tests.integration.histories import by_person, warehouse_with
from tests.integration.retaining import (
    BEGIN,
    END,
    EVENTS,
    KINDS,
    NOW,
    PLANS,
    PROJECT,
    QUESTIONS,
    RANGE,
    ZONE,
    after,
    begin_of,
    expected,
    fits,
    price,
    questions,
)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_with(tmp_path_factory.mktemp("retention"), PROJECT, EVENTS) as opened:
        yield opened


@pytest.mark.parametrize("query", questions(), ids=[str(number) for number in range(QUESTIONS)])
def test_cohorts_are_what_plain_python_counts(warehouse: Warehouse, query: RetentionQuery) -> None:
    answer = asyncio.run(retention(query, PROJECT, warehouse, NOW))
    found = {date.fromisoformat(one.date[:10]): (one.size, one.values) for one in answer.cohorts}
    assert found == expected(query)


@pytest.mark.parametrize("number", range(len(KINDS)), ids=KINDS)
def test_each_group_is_what_plain_python_counts_and_the_largest_are_named(warehouse: Warehouse, number: int) -> None:
    query = msgspec.structs.replace(questions()[number], breakdown="properties.plan", limit=2)
    answer = asyncio.run(retention(query, PROJECT, warehouse, NOW))
    assert answer.breakdown is not None
    sizes = {plan: sum(size for size, _ in expected(query, plan).values()) for plan in PLANS}
    largest = sorted(sizes, key=lambda plan: (-sizes[plan], plan is None, plan or ""))[:2]
    assert [(one.key, one.people) for one in answer.breakdown.groups] == [(plan, sizes[plan]) for plan in largest]
    for one in answer.breakdown.groups:
        found = {date.fromisoformat(each.date[:10]): (each.size, each.values) for each in one.cohorts}
        assert found == expected(query, one.key)
    assert answer.breakdown.other == sum(sizes.values()) - sum(sizes[plan] for plan in largest)


def test_shares_are_of_the_first_value_and_their_mean_of_all_that_are_complete(warehouse: Warehouse) -> None:
    query = RetentionQuery(**RANGE, interval="week", measure="sum:price", periods=5)
    answer = asyncio.run(retention(query, PROJECT, warehouse, NOW))
    for one in answer.cohorts:
        assert one.shares == [value / one.values[0] if one.values[0] else None for value in one.values]
    whole = [one for one in answer.cohorts if one.incomplete_from is None or one.incomplete_from > 2]
    wanted = sum(one.values[2] for one in whole) / sum(one.values[0] for one in whole)
    assert answer.mean_shares[2] == pytest.approx(wanted)


def test_nobody_in_any_cohort_is_answered_with_where_to_look(warehouse: Warehouse) -> None:
    for more in ({"starting": Act(event="never")}, {"cohort_by": "profile.never"}):
        answer = asyncio.run(retention(RetentionQuery(**RANGE, **more), PROJECT, warehouse, NOW))
        assert (answer.cohorts, answer.mean) == ([], [])
        assert answer.hint
    nothing = LifecycleQuery(**RANGE, act=Act(event="never"))
    assert asyncio.run(lifecycle(nothing, PROJECT, warehouse, NOW)).hint
    assert asyncio.run(stickiness(StickinessQuery(**RANGE, act=Act(event="never")), PROJECT, warehouse)).hint


@pytest.mark.parametrize("interval", ["day", "week", "month"])
@pytest.mark.parametrize("act", [Act(), Act(event="a")], ids=["any", "a"])
def test_a_lifecycle_is_what_plain_python_counts(warehouse: Warehouse, interval: Any, act: Act) -> None:
    query = LifecycleQuery(**RANGE, interval=interval, act=act)
    answer = asyncio.run(lifecycle(query, PROJECT, warehouse, NOW))
    points = [date.fromisoformat(one.time[:10]) for one in answer.points]
    counts: dict[date, Counter[str]] = {point: Counter() for point in points}
    for events in by_person([one for one in EVENTS if fits(one, act)]).values():
        active = {begin_of(one.at, interval) for one in events}
        for point in points:
            before = after(point, interval, -1) in active
            if point in active:
                kind = "returning" if before else "new" if point == min(active) else "resurrecting"
                counts[point][kind] += 1
            elif before:
                counts[point]["dormant"] += 1
    for one in answer.points:
        wanted = counts[date.fromisoformat(one.time[:10])]
        shown = Counter(new=one.new, returning=one.returning, resurrecting=one.resurrecting, dormant=one.dormant)
        assert +shown == wanted
    assert answer.incomplete_from is not None
    assert date.fromisoformat(answer.incomplete_from[:10]) == begin_of(NOW, interval)


def test_stickiness_is_what_plain_python_counts(warehouse: Warehouse) -> None:
    answer = asyncio.run(stickiness(StickinessQuery(**RANGE), PROJECT, warehouse))
    days = {user: {one.at.astimezone(ZONE).date() for one in some} for user, some in by_person(EVENTS).items()}
    inside = {user: {day for day in some if BEGIN.date() <= day < END.date()} for user, some in days.items()}
    counts = Counter(len(some) for some in inside.values() if some)
    assert {one.intervals: one.people for one in answer.histogram} == counts
    assert answer.intervals == (END.date() - BEGIN.date()).days
    for one in answer.active:
        day = date.fromisoformat(one.time[:10])
        for span, shown in ((1, one.daily), (7, one.weekly), (30, one.monthly)):
            window = {day - timedelta(days=back) for back in range(span)}
            assert shown == sum(1 for some in days.values() if some & window), (day, span)


def test_a_cohort_says_from_where_on_it_may_grow(warehouse: Warehouse) -> None:
    query = RetentionQuery(**RANGE, interval="week", periods=12)
    answer = asyncio.run(retention(query, PROJECT, warehouse, NOW))
    over = {one.date[:10]: one.incomplete_from for one in answer.cohorts}
    assert over["2026-03-30"] == 1  # the week of the 6th of April is under way
    assert over["2026-04-06"] == 0
    complete = [one for one in answer.cohorts if one.incomplete_from is None or one.incomplete_from > 1]
    assert answer.mean[1] == pytest.approx(sum(one.values[1] for one in complete) / sum(one.size for one in complete))


@pytest.mark.parametrize(
    "more",
    [
        {"interval": "month"},
        {"interval": "month", "mode": "on_or_after", "first_time": False},
        {"interval": "month", "rolling": True, "mode": "bracket", "brackets": [(1, 1), (2, 9)]},
        {"interval": "month", "cumulative": True, "cohort_by": "profile.born"},
    ],
    ids=["exact", "later", "bracket", "dated"],
)
def test_behind_each_number_of_a_cohort_are_as_many_people(warehouse: Warehouse, more: dict[str, Any]) -> None:
    answer = asyncio.run(retention(RetentionQuery(**RANGE, **more), PROJECT, warehouse, NOW))
    for cohort in answer.cohorts:
        for offset, value in enumerate(cohort.values):
            asked = RetentionPeopleQuery(**RANGE, **more, cohort=cohort.date, offset=offset, page=1_000)
            found = asyncio.run(people(asked, PROJECT, warehouse))
            assert len({one.id for one in found.items}) == value
            assert found.next_cursor is None


@pytest.mark.parametrize("added_up", ["each", "by then"])
def test_behind_each_sum_are_those_who_brought_it(warehouse: Warehouse, added_up: str) -> None:
    cumulative = added_up == "by then"
    more: dict[str, Any] = {"interval": "month", "measure": "sum:price", "cumulative": cumulative}
    answer = asyncio.run(retention(RetentionQuery(**RANGE, **more), PROJECT, warehouse, NOW))
    spent = [one for one in EVENTS if price(one) and BEGIN <= one.at < END]
    for cohort in answer.cohorts:
        begin = date.fromisoformat(cohort.date[:10])
        for offset in range(len(cohort.values)):
            asked = RetentionPeopleQuery(**RANGE, **more, cohort=cohort.date, offset=offset, page=1_000)
            found = {one.id for one in asyncio.run(people(asked, PROJECT, warehouse)).items}
            last = after(begin, "month", offset)
            first = begin if cumulative else last
            wanted = {f"u:{one.user}" for one in spent if first <= begin_of(one.at, "month") <= last}
            members = RetentionPeopleQuery(**RANGE, interval="month", cohort=cohort.date, offset=0, page=1_000)
            assert found == wanted & {one.id for one in asyncio.run(people(members, PROJECT, warehouse)).items}


def test_behind_each_group_of_a_cohort_are_as_many_people(warehouse: Warehouse) -> None:
    more: dict[str, Any] = {"interval": "month", "breakdown": "properties.plan"}
    answer = asyncio.run(retention(RetentionQuery(**RANGE, **more), PROJECT, warehouse, NOW))
    assert answer.breakdown is not None
    for group in answer.breakdown.groups:
        for cohort in group.cohorts:
            for offset, value in enumerate(cohort.values):
                place: dict[str, Any] = {"cohort": cohort.date, "offset": offset, "group": [group.key], "page": 1_000}
                asked = RetentionPeopleQuery(**RANGE, **more, **place)
                assert len(asyncio.run(people(asked, PROJECT, warehouse)).items) == value


def test_behind_each_days_active_people_are_as_many(warehouse: Warehouse) -> None:
    asked = {**RANGE, "start": "2026-03-20", "end": "2026-04-05"}
    for one in asyncio.run(stickiness(StickinessQuery(**asked), PROJECT, warehouse)).active[::4]:
        for span in ("daily", "weekly", "monthly"):
            who = StickinessPeopleQuery(**asked, time=one.time, span=span, page=1_000)
            assert len(asyncio.run(stickiness_people(who, PROJECT, warehouse)).items) == getattr(one, span)


def test_behind_each_state_and_each_bar_are_as_many_people(warehouse: Warehouse) -> None:
    asked = {**RANGE, "interval": "month"}
    for point in asyncio.run(lifecycle(LifecycleQuery(**asked), PROJECT, warehouse, NOW)).points:
        for state in ("new", "returning", "resurrecting", "dormant"):
            who = LifecyclePeopleQuery(**asked, time=point.time, state=state, page=1_000)
            assert len(asyncio.run(lifecycle_people(who, PROJECT, warehouse)).items) == getattr(point, state)
    for bar in asyncio.run(stickiness(StickinessQuery(**asked), PROJECT, warehouse)).histogram:
        often = StickinessPeopleQuery(**asked, intervals=bar.intervals, page=1_000)
        assert len(asyncio.run(stickiness_people(often, PROJECT, warehouse)).items) == bar.people


def test_pages_of_a_cohort_hold_everybody_once(warehouse: Warehouse) -> None:
    asked: dict[str, Any] = {**RANGE, "interval": "month", "cohort": "2026-02-01T00:00:00+01:00", "offset": 0}
    whole = asyncio.run(people(RetentionPeopleQuery(**asked, page=1_000), PROJECT, warehouse)).items
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = asyncio.run(people(RetentionPeopleQuery(**asked, page=7, cursor=cursor), PROJECT, warehouse))
        found += [one.id for one in page.items]
        cursor = page.next_cursor
    assert found == sorted(one.id for one in whole)


def test_a_cohort_that_is_none_is_refused_by_its_field(warehouse: Warehouse) -> None:
    asked = RetentionPeopleQuery(**RANGE, interval="week", cohort="2026-02-12", offset=0)
    with pytest.raises(Rejected) as refused:
        asyncio.run(people(asked, PROJECT, warehouse))
    assert refused.value.refusal is Refusal.BAD_QUESTION
    assert "`cohort`" in refused.value.detail

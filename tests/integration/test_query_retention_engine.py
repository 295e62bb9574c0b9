"""Retention, lifecycle and stickiness on the real engine, against plain Python over the same histories."""

import asyncio
import random
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

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
from shared.query.filters import Filter
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Warehouse
from tests.integration.histories import Event, by_person, warehouse_with

PROJECT = uuid.UUID("018f0000-0000-7000-8000-0000000000fb")
ZONE = ZoneInfo("Europe/Berlin")
FIRST = datetime(2026, 1, 20, tzinfo=ZONE)
# The clocks change within the range, which begins in the middle of a week and of a month.
RANGE: dict[str, Any] = {"start": "2026-02-11", "end": "2026-04-22", "timezone": "Europe/Berlin"}
BEGIN, END = datetime(2026, 2, 11, tzinfo=ZONE), datetime(2026, 4, 23, tzinfo=ZONE)
NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)
PEOPLE = 400
QUESTIONS = 26
NAMES = "ab"
KINDS = ("calendar", "recurring", "rolling", "seen")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with warehouse_with(tmp_path_factory.mktemp("retention"), PROJECT, EVENTS) as opened:
        yield opened


def histories() -> list[Event]:
    """People with up to twelve events each over fourteen weeks, many at midnight, before the range and in it."""
    chance = random.Random(42)
    hours = [0, 0, 24 * 7, 24 * 30]
    return [
        Event(
            f"{person:03}",
            chance.choice(NAMES),
            FIRST.astimezone(UTC)
            + timedelta(hours=chance.randrange(24 * 92) // 12 * 12 + chance.choice([*hours, 1, 23])),
            {"price": chance.choice([None, 1.5, 4.0])},
        )
        for person in range(PEOPLE)
        for _ in range(chance.randrange(13))
    ]


EVENTS = histories()


def begin_of(at: datetime, interval: str) -> date:
    """The day that an interval begins with, on the wall clock."""
    day = at.astimezone(ZONE).date()
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day


def after(begin: date, interval: str, number: int) -> date:
    if interval == "month":
        months = begin.year * 12 + begin.month - 1 + number
        return date(months // 12, months % 12 + 1, 1)
    return begin + timedelta(days=number * {"day": 1, "week": 7}[interval])


def fits(event: Event, act: Act) -> bool:
    paid = all(price(event) is not None for _ in act.filters)
    return paid and (not act.events or event.name in act.events)


def price(event: Event) -> float | None:
    found: float | None = event.properties["price"]
    return found


def questions() -> list[RetentionQuery]:
    chance = random.Random(11)
    return [question(chance, KINDS[number % len(KINDS)]) for number in range(QUESTIONS)]


def question(chance: random.Random, kind: str) -> RetentionQuery:
    paid = [Filter("properties.price", "is_set")]
    acts = [Act(), Act(event="a"), Act(event="b"), Act(any_of=["a", "b"]), Act(event="a", filters=paid)]
    sums = chance.random() < 0.3
    mode = "exact" if sums else chance.choice(["exact", "on_or_after", "bracket"])
    return RetentionQuery(
        **RANGE,
        interval=chance.choice(["day", "week", "month"]),
        starting=Act() if kind == "seen" else chance.choice(acts),
        returning=chance.choice(acts),
        cohort_by="first_seen" if kind == "seen" else "event",
        first_time=kind != "recurring",
        rolling=kind == "rolling",
        mode=mode,  # type: ignore[arg-type]  # one of its values
        brackets=[(1, 1), (2, 4), (3, 9)] if mode == "bracket" else [],
        periods=chance.choice([1, 5, 12]),
        measure="sum:price" if sums else "users",
    )


def expected(query: RetentionQuery) -> dict[date, tuple[int, list[float]]]:
    """Size and values of each cohort, by the day it begins with."""
    sizes: Counter[date] = Counter()
    people: dict[date, Counter[int]] = defaultdict(Counter)
    sums: dict[date, Counter[int]] = defaultdict(Counter)
    for events in by_person([one for one in EVENTS if one.at < END]).values():
        starts = [one for one in events if fits(one, query.begins)]
        if query.first_time:
            starts = [one for one in starts[:1] if one.at >= BEGIN]
        else:
            starts = [one for one in starts if one.at >= BEGIN]
        for cohort in {begin_of(one.at, query.interval) for one in starts}:
            sizes[cohort] += 1
            back: set[int] = set()
            for one in events:
                offset = _offset(one, starts[0], cohort, query)
                if offset is not None and fits(one, query.returning):
                    back.add(offset)
                    sums[cohort][offset] += price(one) or 0  # type: ignore[assignment]  # an amount
            people[cohort].update(_counted(back, query))
    return {
        cohort: (size, _values(query, size, people[cohort], sums[cohort], cohort)) for cohort, size in sizes.items()
    }


def _offset(event: Event, start: Event, cohort: date, query: RetentionQuery) -> int | None:
    """How many intervals after its cohort an event is; None where it does not count."""
    if event.at < BEGIN or (query.first_time and event.at < start.at):
        return None
    if query.rolling:
        return (event.at - start.at) // (DAY * {"day": 1, "week": 7, "month": 30}[query.interval])
    begun = begin_of(event.at, query.interval)
    if begun < cohort:
        return None
    return next(number for number in range(100) if after(cohort, query.interval, number) == begun)


def _counted(back: set[int], query: RetentionQuery) -> set[int]:
    if query.mode == "on_or_after":
        return set(range(1, max(back, default=0) + 1))
    if query.mode == "bracket":
        return {
            place
            for place, (low, high) in enumerate(query.brackets, 1)
            if any(low <= offset <= high for offset in back)
        }
    return back - {0}


def _values(query: RetentionQuery, size: int, people: Counter[int], sums: Counter[int], cohort: date) -> list[float]:
    number = len(query.brackets) or query.periods
    if not query.brackets:
        if query.rolling:
            begins = datetime(cohort.year, cohort.month, cohort.day, tzinfo=ZONE)
            length = DAY * {"day": 1, "week": 7, "month": 30}[query.interval]
            number = min(number, (END.astimezone(UTC) - begins.astimezone(UTC) - timedelta(microseconds=1)) // length)
        else:
            last = begin_of(END - timedelta(microseconds=1), query.interval)
            number = min(number, next(n for n in range(100) if after(cohort, query.interval, n) == last))
    if query.amount:
        return [sums[offset] for offset in range(number + 1)]
    return [size, *(people[offset] for offset in range(1, number + 1))]


@pytest.mark.parametrize("query", questions(), ids=[str(number) for number in range(QUESTIONS)])
def test_cohorts_are_what_plain_python_counts(warehouse: Warehouse, query: RetentionQuery) -> None:
    answer = asyncio.run(retention(query, PROJECT, warehouse, NOW))
    found = {date.fromisoformat(one.date[:10]): (one.size, one.values) for one in answer.cohorts}
    assert found == expected(query)


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
    ],
    ids=["exact", "later", "bracket"],
)
def test_behind_each_number_of_a_cohort_are_as_many_people(warehouse: Warehouse, more: dict[str, Any]) -> None:
    answer = asyncio.run(retention(RetentionQuery(**RANGE, **more), PROJECT, warehouse, NOW))
    for cohort in answer.cohorts:
        for offset, value in enumerate(cohort.values):
            asked = RetentionPeopleQuery(**RANGE, **more, cohort=cohort.date, offset=offset, page=1_000)
            found = asyncio.run(people(asked, PROJECT, warehouse))
            assert len({one.id for one in found.items}) == value
            assert found.next_cursor is None


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

"""Retention in plain Python over made-up histories: slow, obvious, and nothing shared with what it proves."""

import random
import uuid
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from functions.query_retention.question import RetentionQuery
from shared.query.acts import Act
from shared.query.filters import Filter
from tests.integration.histories import Event, by_person

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
KINDS = ("calendar", "recurring", "rolling", "seen", "dated")
PLANS = ("pro", "free", None)
DAY = timedelta(days=1)


# Dates of profiles as senders write them, two of which the clocks skip or show twice, and what is none.
BORN: dict[str | int, datetime | None] = {
    "2026-03-29": datetime(2026, 3, 29, tzinfo=ZONE),
    "2026-03-29T02:30:00": datetime(2026, 3, 29, 2, 30, tzinfo=ZONE),
    "2026-03-04 23:30:00.5": datetime(2026, 3, 4, 23, 30, 0, 500_000, tzinfo=ZONE),
    "2026-02-28T23:30:00Z": datetime(2026, 2, 28, 23, 30, tzinfo=UTC),
    "2026-04-01T00:30:00+05:30": datetime(2026, 3, 31, 19, tzinfo=UTC),
    1_772_500_000: datetime.fromtimestamp(1_772_500_000, UTC),
    1_775_000_000_000: datetime.fromtimestamp(1_775_000_000, UTC),
    "2020-01-01": datetime(2020, 1, 1, tzinfo=ZONE),
    "soon": None,
    "12": datetime.fromtimestamp(12, UTC),
}


def histories() -> list[Event]:
    """People with up to twelve events each over fourteen weeks, many at midnight, before the range and in it."""
    chance = random.Random(42)
    hours = [0, 0, 24 * 7, 24 * 30]
    born = [
        Event(f"{person:03}", "$set", FIRST.astimezone(UTC) + timedelta(days=person % 90), {"$set": {"born": said}})
        for person in range(PEOPLE)
        if (said := chance.choice([None, *BORN])) is not None
    ]
    return [
        *born,
        *(
            Event(
                f"{person:03}",
                chance.choice(NAMES),
                FIRST.astimezone(UTC)
                + timedelta(hours=chance.randrange(24 * 92) // 12 * 12 + chance.choice([*hours, 1, 23])),
                {"price": chance.choice([None, 1.5, 4.0]), "plan": chance.choice(PLANS)},
            )
            for person in range(PEOPLE)
            for _ in range(chance.randrange(13))
        ),
    ]


EVENTS = histories()
EVERYBODY = by_person(EVENTS)


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
    found: float | None = event.properties.get("price")
    return found


def plan(event: Event) -> str | None:
    found: str | None = event.properties.get("plan")
    return found


def born(events: list[Event]) -> datetime | None:
    """When the profile of the one whose events these are says that they were born."""
    said = [one.properties["$set"]["born"] for one in events if "$set" in one.properties]
    return BORN[said[0]] if said else None


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
        starting=Act() if kind in {"seen", "dated"} else chance.choice(acts),
        returning=chance.choice(acts),
        cohort_by={"seen": "first_seen", "dated": "profile.born"}.get(kind, "event"),
        first_time=kind != "recurring",
        rolling=kind == "rolling" or (kind == "dated" and chance.random() < 0.3),
        mode=mode,  # type: ignore[arg-type]  # one of its values
        brackets=[(1, 1), (2, 4), (3, 9)] if mode == "bracket" else [],
        periods=chance.choice([1, 5, 12]),
        measure="sum:price" if sums else "users",
        cumulative=mode == "exact" and chance.random() < 0.5,
    )


def starts_of(query: RetentionQuery, events: list[Event]) -> list[Event]:
    """What makes somebody part of cohorts, in the order of time."""
    if query.dated:
        begun = born(EVERYBODY[events[0].user])
        return [Event(events[0].user, "", begun)] if begun is not None and BEGIN <= begun < END else []
    starts = [one for one in events if fits(one, query.begins)]
    return [one for one in (starts[:1] if query.first_time else starts) if one.at >= BEGIN]


def group_of(query: RetentionQuery, events: list[Event]) -> str | None:
    """What the first of the events says that make somebody part of a cohort."""
    counted = events if query.dated else [one for one in events if fits(one, query.begins) and one.at >= BEGIN]
    return plan(min(counted, key=lambda one: (one.at, plan(one) or "")))


def expected(query: RetentionQuery, group: str | None = "") -> dict[date, tuple[int, list[float]]]:
    """Size and values of each cohort, by the day it begins with; only of one group where that is not ''."""
    sizes: Counter[date] = Counter()
    people: dict[date, Counter[int]] = defaultdict(Counter)
    sums: dict[date, Counter[int]] = defaultdict(Counter)
    for events in by_person([one for one in EVENTS if one.at < END]).values():
        starts = starts_of(query, events)
        if group != "" and starts and group_of(query, events) != group:
            continue
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
    if query.cumulative:
        return set(range(min(back - {0}, default=query.periods + 1), query.periods + 1))
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
        found = [float(sums[offset]) for offset in range(number + 1)]
        return [sum(found[: place + 1]) for place in range(number + 1)] if query.cumulative else found
    return [size, *(people[offset] for offset in range(1, number + 1))]

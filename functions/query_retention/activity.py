"""Lifecycle and stickiness: who is active in which intervals."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from functions.query_retention.question import (
    LifecyclePeopleQuery,
    LifecycleQuery,
    StickinessPeopleQuery,
    StickinessQuery,
)
from shared.query.acts import names_of
from shared.query.ask import Warehouse
from shared.query.behind import PeopleBehind, page_of, page_parts
from shared.query.buckets import Buckets, cut
from shared.query.parameters import Parameters
from shared.query.period import EARLIEST, Period, parse_period
from shared.query.planner import Plan, joined
from shared.query.question import Question, plan_question
from shared.query.scope import read_sql

_FOLDER = Path(__file__).parent
_ALL_STATES = ("new", "returning", "resurrecting", "dormant")
_SPAN_DAYS = {"daily": 1, "weekly": 7, "monthly": 30}
_LONGEST_SPAN_DAYS = max(_SPAN_DAYS.values())
_HINT = "nobody did this in this range: look at the spelling of `act` and its filters"


class LifecyclePoint(msgspec.Struct, frozen=True):
    """Who was active for the first time ever, as in the interval before, after a pause, and in the one before only."""

    time: str
    new: int
    returning: int
    resurrecting: int
    dormant: int


class LifecycleAnswer(msgspec.Struct, frozen=True):
    """The points of all intervals the range touches, each whole; the last ones may not be over (`incomplete_from`).

    `hint` says what to look at where nobody did anything.
    """

    points: list[LifecyclePoint]
    incomplete_from: str | None
    hint: str
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


class StickyCount(msgspec.Struct, frozen=True):
    """How many people were active in exactly so many intervals."""

    intervals: int
    people: int


class ActiveDay(msgspec.Struct, frozen=True):
    """People active on a day, within the 7 and the 30 days that end with it; `stickiness` is daily / monthly."""

    time: str
    daily: int
    weekly: int
    monthly: int
    stickiness: float | None


class StickinessAnswer(msgspec.Struct, frozen=True):
    """Over `intervals` of the range: in how many people were active; and each day's active people; `hint` if nobody."""

    intervals: int
    histogram: list[StickyCount]
    active: list[ActiveDay]
    hint: str
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


async def lifecycle(
    query: LifecycleQuery, project_id: uuid.UUID, warehouse: Warehouse, now: datetime
) -> LifecycleAnswer:
    """Answer exactly; the range is widened to whole intervals. Refuses what other queries refuse."""
    whole, question = await _whole(query, project_id, warehouse)
    parameters = Parameters()
    states = _states(question, whole, parameters)
    rows = await question.ask("lifecycle", parameters, states=states, number=str(len(whole.buckets)))
    found = {(bucket, state): people for bucket, state, people in rows}
    points = [
        LifecyclePoint(label, *(found.get((number, state), 0) for state in _ALL_STATES))
        for number, label in enumerate(whole.buckets.labels())
    ]
    return LifecycleAnswer(
        points=points,
        incomplete_from=whole.buckets.unfinished(now),
        hint="" if found or query.explain else _HINT,
        exact=True,
        took_ms=question.asker.took_ms,
        rows_read=question.asker.rows_read,
        range=whole.period.echo(),
        plan=question.plan,
    )


async def lifecycle_people(query: LifecyclePeopleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PeopleBehind:
    """A page of those in a state in one interval; refuses what `lifecycle` does, and an interval that is none."""
    whole, question = await _whole(query, project_id, warehouse)
    parameters = Parameters()
    rows = await question.ask(
        "state_people",
        parameters,
        states=_states(question, whole, parameters),
        place=parameters.bind("Int32", whole.buckets.number_of(query.time, "time")),
        state=parameters.bind("String", query.state),
        **page_parts(query, parameters),
    )
    return page_of(query, rows, whole.period.echo())


class _Whole(NamedTuple):
    """A range widened to whole intervals, and when the interval before it begins."""

    period: Period
    buckets: Buckets
    before: datetime


async def _whole(query: LifecycleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> tuple[_Whole, Question]:
    query.act.check("act", query.filters)
    asked = parse_period(query.start, query.end, query.timezone)
    buckets = cut(asked, query.interval)
    start, end = buckets.starts[0], buckets.ends[-1]
    before = cut(Period(max(EARLIEST, start - timedelta(seconds=1)), end, asked.zone), query.interval).starts[0]
    question = await _plan(query, Period(EARLIEST, end, asked.zone), project_id, warehouse)
    period = Period(start, end, asked.zone)
    return _Whole(period, cut(period, query.interval), before), question


def _states(question: Question, whole: _Whole, parameters: Parameters) -> str:
    """SQL of what each person is in each interval."""
    return read_sql(
        _FOLDER,
        "states",
        subject=question.subject,
        before=_bound(whole.before, parameters),
        bucket=whole.buckets.number_sql(parameters),
        rows=question.rows(parameters),
        **{"from": _bound(whole.period.start, parameters)},
    )


async def stickiness_people(query: StickinessPeopleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PeopleBehind:
    """A page of those who were active in so many intervals, or on a day or before it; refuses as `stickiness` does."""
    query.act.check("act", query.filters)
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    parameters = Parameters()
    if query.time is not None:
        question = await _plan(query, _span(period, query.time, _SPAN_DAYS[query.span]), project_id, warehouse)
        rows = await question.ask(
            "active_people", parameters, rows=question.rows(parameters), **page_parts(query, parameters)
        )
        return page_of(query, rows, period.echo())
    question = await _plan(query, period, project_id, warehouse)
    rows = await question.ask(
        "sticky_people",
        parameters,
        bucket=cut(period, query.interval).number_sql(parameters),
        rows=question.rows(parameters),
        intervals=parameters.bind("UInt64", query.intervals),
        **page_parts(query, parameters),
    )
    return page_of(query, rows, period.echo())


def _span(period: Period, time: str, days: int) -> Period:
    """So many days of the range's calendar, the last of which begins at `time`, as far as they lie in the range.

    Days before the range are looked at, too, as `stickiness` does; refuses a time that is no day's begin.
    """
    shown, longer = cut(period, "day"), cut(_longer(period), "day")
    last = len(longer) - len(shown) + shown.number_of(time, "time")
    start = max(longer.starts[max(last - days + 1, 0)], _longer(period).start)
    return Period(start, min(longer.ends[last], period.end), period.zone)


def _longer(period: Period) -> Period:
    """The range with the days before it that a day of it looks back at."""
    first = period.start.astimezone(period.zone) - timedelta(days=_LONGEST_SPAN_DAYS - 1)
    return Period(max(EARLIEST, first), period.end, period.zone)


async def stickiness(query: StickinessQuery, project_id: uuid.UUID, warehouse: Warehouse) -> StickinessAnswer:
    """Answer exactly; refuses what other queries refuse."""
    query.act.check("act", query.filters)
    period = parse_period(query.start, query.end, query.timezone)
    buckets = cut(period, query.interval)
    spread = await _plan(query, period, project_id, warehouse)
    parameters = Parameters()
    counted = await spread.ask(
        "stickiness", parameters, bucket=buckets.number_sql(parameters), rows=spread.rows(parameters)
    )
    longer = _longer(period)
    days, shown = cut(longer, "day"), cut(period, "day")
    skipped = len(days) - len(shown)
    active = await _plan(query, longer, project_id, warehouse)
    parameters = Parameters()
    rows = await active.ask(
        "active",
        parameters,
        bucket=days.number_sql(parameters),
        rows=active.rows(parameters),
        first=str(skipped),
        number=str(len(days)),
    )
    by_day = {day: (daily, weekly, monthly) for day, daily, weekly, monthly in rows}
    return StickinessAnswer(
        intervals=len(buckets),
        histogram=[StickyCount(number, people) for number, people in counted],
        active=[_day(label, by_day.get(number + skipped, (0, 0, 0))) for number, label in enumerate(shown.labels())],
        hint="" if counted or query.explain else _HINT,
        exact=True,
        took_ms=round(spread.asker.took_ms + active.asker.took_ms, 2),
        rows_read=spread.asker.rows_read + active.asker.rows_read,
        range=period.echo(),
        plan=joined([spread.plan, active.plan]),
    )


async def _plan(
    query: LifecycleQuery | StickinessQuery, period: Period, project_id: uuid.UUID, warehouse: Warehouse
) -> Question:
    names = names_of([query.act])
    return await plan_question(query, names, period, project_id=project_id, warehouse=warehouse, folder=_FOLDER)


def _day(label: str, counts: tuple[int, int, int]) -> ActiveDay:
    daily, weekly, monthly = counts
    return ActiveDay(label, daily, weekly, monthly, daily / monthly if monthly else None)


def _bound(moment: datetime, parameters: Parameters) -> str:
    return parameters.bind("DateTime64(6, 'UTC')", str(moment.replace(tzinfo=None)))

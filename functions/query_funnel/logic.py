"""A funnel query → its SQL → its answer."""

import uuid
from collections.abc import Sequence

import msgspec

from functions.query_funnel.statistics import SIGNIFICANT_BELOW, holm, two_proportions
from shared.clock import to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.buckets import cut
from shared.query.durations import seconds
from shared.query.funnel.planned import Funnel, plan_funnel
from shared.query.funnel.question import BehindQuery, FunnelQuery
from shared.query.funnel.statements import TIMES
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.planner import Plan

_MICROS = 1_000_000


class FunnelStep(msgspec.Struct, frozen=True):
    """How many people came so far, of those who began (`conversion`) and of those a step before (`from_previous`).

    The seconds are from the first step to when this one was reached first; null for the first step, and of nobody.
    """

    label: str
    count: int
    conversion: float | None
    from_previous: float | None
    dropoff: int
    median_seconds: float | None
    p90_seconds: float | None


class FunnelGroup(msgspec.Struct, frozen=True):
    """The funnel of one group; null is the key of those without a value.

    `p_value` says how likely a difference like that between this group's conversion and all others' is by chance,
    corrected for the number of groups (Holm); below 0.05 it is called significant.
    """

    key: str | None
    steps: list[FunnelStep]
    conversion: float | None
    p_value: float | None
    significant: bool


class FunnelBreakdown(msgspec.Struct, frozen=True):
    """The largest groups, and how many people of all other groups came to each step."""

    by: str
    groups: list[FunnelGroup]
    other: list[int]


class TrendPoint(msgspec.Struct, frozen=True):
    """Those who began in one bucket for the first time, and how many of them came through, then or later."""

    time: str
    entered: int
    completed: int
    conversion: float | None


class TimeToConvert(msgspec.Struct, frozen=True):
    """How many came through in at least `from_seconds` and less than `to_seconds`; null where nothing ends it."""

    from_seconds: int
    to_seconds: int | None
    count: int


class FunnelAnswer(msgspec.Struct, frozen=True):
    """A funnel's steps, and what was asked for besides."""

    steps: list[FunnelStep]
    conversion: float | None
    times: list[TimeToConvert]
    trend: list[TrendPoint] | None
    breakdown: FunnelBreakdown | None
    hint: str
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


class FunnelPerson(msgspec.Struct, frozen=True):
    """Somebody behind a step: when their way began that came to it first, and when they came to it."""

    id: str
    entered_at: str
    reached_at: str
    seconds: float


class BehindAnswer(msgspec.Struct, frozen=True):
    """A page of people in the order of their ids; `next_cursor` is null on the last one."""

    items: list[FunnelPerson]
    next_cursor: str | None
    range: dict[str, str]


async def funnel(query: FunnelQuery, project_id: uuid.UUID, warehouse: Warehouse) -> FunnelAnswer:
    """Answer a funnel exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    asked, planned = await plan_funnel(
        query, project_id, Asker(warehouse, function="query_funnel", project_id=project_id)
    )
    if query.explain:
        planned = planned.explained(await asked.asker.estimate(*asked.statements.totals()))
        return _answer(asked, planned, steps_of(query, [0] * len(query.steps), ()))
    await asked.look_at_ties()
    [row] = await asked.ask(asked.statements.totals())
    number = len(query.steps)
    steps = steps_of(query, row[:number], row[number:-1])
    answer = _answer(asked, planned, steps)
    return msgspec.structs.replace(
        answer,
        times=_times(*row[-1], longest=seconds(query.window)),
        trend=None if query.interval is None else await _trend(asked),
        breakdown=None if query.breakdown is None else await _breakdown(asked, query.breakdown, steps),
        hint="" if steps[0].count else "nobody did the first step in this range: look at its spelling and its filters",
        took_ms=asked.asker.took_ms,
        rows_read=asked.asker.rows_read,
        plan=planned.reached(asked.asker),
    )


async def people(query: BehindQuery, project_id: uuid.UUID, warehouse: Warehouse) -> BehindAnswer:
    """A page of the people behind a step; refuses what `funnel` does."""
    asked, _ = await plan_funnel(query, project_id, Asker(warehouse, function="query_funnel", project_id=project_id))
    await asked.look_at_ties()
    groups = await asked.ask(asked.statements.groups(query.breakdown)) if query.others and query.breakdown else []
    parameters = Parameters()
    bucket = "true"
    if query.time is not None:
        buckets = cut(asked.period, query.interval or "day")
        number = parameters.bind("UInt16", buckets.number_of(query.time, "time"))
        bucket = f"{buckets.number_sql(parameters)} = {number}"
    rows = await asked.ask(asked.statements.behind(query, parameters, bucket, [row[0] for row in groups]))
    items = [
        FunnelPerson(subject, _local(reached - took, asked.period), _local(reached, asked.period), took / _MICROS)
        for subject, reached, took in rows[: query.page]
    ]
    return BehindAnswer(items, items[-1].id if len(rows) > query.page else None, asked.period.echo())


def steps_of(query: FunnelQuery, counts: Sequence[int], took: Sequence[Sequence[float]]) -> list[FunnelStep]:
    """The steps with how many came to each, and (median, 90th percentile) of the seconds of each but the first."""
    found = []
    for place, (step, count) in enumerate(zip(query.steps, counts, strict=True)):
        median, p90 = took[place - 1] if place and count and took else (None, None)
        before = counts[place - 1] if place else count
        following = counts[place + 1] if place + 1 < len(counts) else count
        found.append(
            FunnelStep(
                label=step.title,
                count=count,
                conversion=count / counts[0] if counts[0] else None,
                from_previous=count / before if before else None,
                dropoff=count - following,
                median_seconds=median,
                p90_seconds=p90,
            )
        )
    return found


def _answer(asked: Funnel, planned: Plan, steps: list[FunnelStep]) -> FunnelAnswer:
    return FunnelAnswer(
        steps=steps,
        conversion=steps[-1].conversion,
        times=[],
        trend=None,
        breakdown=None,
        hint="",
        exact=True,
        took_ms=asked.asker.took_ms,
        rows_read=asked.asker.rows_read,
        range=asked.period.echo(),
        plan=planned,
    )


async def _trend(asked: Funnel) -> list[TrendPoint]:
    buckets = cut(asked.period, asked.query.interval or "day")
    parameters = Parameters()
    rows = await asked.ask(asked.statements.trend(buckets.number_sql(parameters), parameters))
    found = {bucket: (entered, completed) for bucket, entered, completed in rows}
    return [
        TrendPoint(label, entered, completed, completed / entered if entered else None)
        for number, label in enumerate(buckets.labels())
        for entered, completed in [found.get(number, (0, 0))]
    ]


async def _breakdown(asked: Funnel, name: str, totals: Sequence[FunnelStep]) -> FunnelBreakdown:
    number = len(totals)
    rows = await asked.ask(asked.statements.groups(name))
    entered, completed = totals[0].count, totals[-1].count
    chances = [two_proportions(row[number], row[1], completed - row[number], entered - row[1]) for row in rows]
    groups = []
    for row, chance in zip(rows, holm(chances), strict=True):
        steps = steps_of(asked.query, row[1 : number + 1], row[number + 1 :])
        significant = chance is not None and chance < SIGNIFICANT_BELOW
        groups.append(FunnelGroup(row[0], steps, steps[-1].conversion, chance, significant))
    other = [one.count - sum(row[place] for row in rows) for place, one in enumerate(totals, start=1)]
    return FunnelBreakdown(name, groups, other)


def _times(begins: Sequence[int], counts: Sequence[int], *, longest: int) -> list[TimeToConvert]:
    found = dict(zip(begins, counts, strict=True))
    edges = [edge for edge in TIMES if edge <= longest]
    return [
        TimeToConvert(edge, edges[place + 1] if place + 1 < len(edges) else None, found.get(edge, 0))
        for place, edge in enumerate(edges)
    ]


def _local(micros: int, period: Period) -> str:
    return to_datetime(micros).astimezone(period.zone).isoformat()

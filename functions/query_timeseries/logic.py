"""A time series query → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec

from functions.query_timeseries.compare import Compare, compared
from shared.clock import SYSTEM_CLOCK, Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.buckets import Buckets, Interval, check_points, cut
from shared.query.filters import Filter
from shared.query.groups import DEFAULT_GROUPS, MAX_GROUPS, Groups, Key
from shared.query.measures import of_nothing
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.planner import Plan, Source, Wanted, joined, plan
from shared.query.scope import read_sql

Value = float | int | None


class TimeseriesQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks: a measure in each interval of a range, whole or for the largest groups of a field."""

    start: str
    end: str
    interval: Interval = "day"
    events: list[str] = []
    filters: list[Filter] = []
    measure: str = "count"
    group_by: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_GROUPS)] = DEFAULT_GROUPS
    compare: Compare | None = None
    timezone: str | None = None
    explain: bool = False

    def wanted(self, project_id: uuid.UUID, period: Period, buckets: Buckets | None = None) -> Wanted:
        """Without buckets, of the whole range."""
        groups = [] if self.group_by is None else [self.group_by]
        edges = [] if buckets is None else [second for second, _ in buckets.segments[1:]]
        return Wanted(project_id, period, self.events, self.filters, self.measure, groups, edges)


class Series(msgspec.Struct, frozen=True):
    """One line: `key` is null for events without the field, for the rest (`other`), and where nothing is grouped."""

    key: str | None
    other: bool
    total: Value
    points: list[tuple[str, Value]]


class Drawn(msgspec.Struct, frozen=True):
    """The series over one range; points of two ranges with the same place belong together."""

    range: dict[str, str]
    series: list[Series]
    incomplete_last: bool
    incomplete_from: str | None


class TimeseriesAnswer(msgspec.Struct, frozen=True):
    """The series; `incomplete_from` is the first point whose interval is not over."""

    series: list[Series]
    interval: Interval
    incomplete_last: bool
    incomplete_from: str | None
    compare: Drawn | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


def top_sql(query: TimeseriesQuery, source: Source) -> tuple[str, dict[str, Any]]:
    """The SQL of the largest groups, one more than wanted, and its bound parameters; refuses what cannot be asked."""
    parameters = Parameters()
    sql = _groups(query).top_sql(source, limit=query.limit + 1, parameters=parameters)
    return sql, parameters.values


def points_sql(
    query: TimeseriesQuery, source: Source, buckets: Buckets, top: Sequence[Key]
) -> tuple[str, dict[str, Any]]:
    """The SQL of the points of these groups and of the rest, and its bound parameters."""
    parameters = Parameters()
    rows = source.rows(parameters)
    sql = read_sql(
        Path(__file__).parent,
        "points",
        place=_groups(query).place_sql(top, parameters),
        bucket=buckets.number_sql(parameters),
        measure=source.measure,
        rows=rows,
    )
    return sql, parameters.values


async def timeseries(
    query: TimeseriesQuery,
    project_id: uuid.UUID,
    warehouse: Warehouse,
    clock: Clock = SYSTEM_CLOCK,
    *,
    groups: Sequence[Key] | None = None,
) -> TimeseriesAnswer:
    """Answer a time series exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers.

    The clock says which intervals are not over yet. `groups` are those to show instead of the largest.
    """
    period = parse_period(query.start, query.end, query.timezone)
    other = None if query.compare is None else compared(period, query.interval, query.compare)
    periods = [period] if other is None else [period, other]
    cuts = [cut(one, query.interval) for one in periods]
    asker = Asker(warehouse, function="query_timeseries", measure=query.measure, project_id=project_id)
    planned = [
        await plan(query.wanted(project_id, one, buckets), asker) for one, buckets in zip(periods, cuts, strict=True)
    ]
    sources, how = [source for source, _ in planned], joined([one for _, one in planned])
    if query.explain:
        statements = [points_sql(query, source, buckets, [()]) for source, buckets in zip(sources, cuts, strict=True)]
        how = how.explained(sum([await asker.estimate(*statement) for statement in statements]))
        return _answer(query, Drawn(period.echo(), [], False, None), None, asker, how)
    top, rest = await _top(query, sources[0], asker) if groups is None else (list(groups), False)
    for one, buckets in zip(periods, cuts, strict=True):
        check_points(len(buckets), len(top) + rest, query.interval, one)
    rows = [
        (await asker.ask(*points_sql(query, source, buckets, top), source.version, small=source.small)).rows
        for source, buckets in zip(sources, cuts, strict=True)
    ]
    # a group that appeared since the first statement is in the rest, and so is one of the other range alone
    rest = rest or any(place == len(top) for some in rows for place, *_ in some)
    now = to_datetime(clock.micros())
    first, *second = (
        _drawn(one, buckets, _series(query, buckets, top, some, rest=rest), now)
        for one, buckets, some in zip(periods, cuts, rows, strict=True)
    )
    return _answer(query, first, second[0] if second else None, asker, how)


def _answer(query: TimeseriesQuery, first: Drawn, second: Drawn | None, asker: Asker, how: Plan) -> TimeseriesAnswer:
    return TimeseriesAnswer(
        series=first.series,
        interval=query.interval,
        incomplete_last=first.incomplete_last,
        incomplete_from=first.incomplete_from,
        compare=second,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=first.range,
        plan=how.reached(asker),
    )


def _drawn(period: Period, buckets: Buckets, series: list[Series], now: datetime) -> Drawn:
    unfinished = buckets.unfinished(now)
    return Drawn(period.echo(), series, unfinished is not None, unfinished)


async def largest(
    query: TimeseriesQuery, project_id: uuid.UUID, warehouse: Warehouse
) -> list[tuple[str | None, Value]]:
    """The largest groups over the whole range without their points, the largest first; raises as `timeseries` does."""
    period = parse_period(query.start, query.end, query.timezone)
    asker = Asker(warehouse, function="query_timeseries", measure=query.measure, project_id=project_id)
    source, _ = await plan(query.wanted(project_id, period), asker)
    rows = (await asker.ask(*top_sql(query, source), source.version, small=source.small)).rows
    return [(key, value) for key, value in rows[: query.limit]]


async def _top(query: TimeseriesQuery, source: Source, asker: Asker) -> tuple[list[Key], bool]:
    """The keys of the series, and whether there are more groups; one key of no parts where nothing is grouped."""
    if query.group_by is None:
        return [()], False
    keys = [row[:-1] for row in (await asker.ask(*top_sql(query, source), source.version, small=source.small)).rows]
    return keys[: query.limit], len(keys) > query.limit


def _groups(query: TimeseriesQuery) -> Groups:
    return Groups([] if query.group_by is None else [query.group_by])


def _series(
    query: TimeseriesQuery, buckets: Buckets, top: Sequence[Key], rows: Sequence[tuple[Any, ...]], *, rest: bool
) -> list[Series]:
    """Every series with every point; a group that is nowhere in this range is a series of empty points."""
    empty = 0 if query.measure.startswith("sum:") else of_nothing(query.measure)
    totals = {place: value for place, _, whole, value in rows if whole}
    points = {(place, bucket): value for place, bucket, whole, value in rows if not whole}
    labels = buckets.labels()

    def line(place: int, key: str | None) -> Series:
        values = (points.get((place, number)) for number in range(len(buckets)))
        filled: list[Value] = [empty if value is None else value for value in values]
        total = totals.get(place)
        return Series(key, place == len(top), empty if total is None else total, list(zip(labels, filled, strict=True)))

    lines = [line(place, key[0] if key else None) for place, key in enumerate(top)]
    return [*lines, line(len(top), None)] if rest else lines

"""Several series in one question, and what is computed of them: formulas, running totals, moving averages.

Each series is a time series of its own, asked and answered as one: the arithmetic here is over exact points.
"""

import uuid
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Annotated

import msgspec

from functions.query_timeseries.compare import Compare
from functions.query_timeseries.formula import MOST_CHARACTERS, Formula, Value
from functions.query_timeseries.logic import Drawn, Series, TimeseriesAnswer, TimeseriesQuery, timeseries
from shared.clock import SYSTEM_CLOCK, Clock
from shared.query.ask import Warehouse
from shared.query.buckets import Interval
from shared.query.filters import Filter
from shared.query.groups import MAX_GROUPS, Key
from shared.query.measures import of_nothing
from shared.query.planner import Plan, joined
from shared.refusals import Refusal, Rejected

PATH = "/api/v1/query/explore"
NAMES = "ABCDEFGHIJ"
_DEFAULT_GROUPS = 5
_MOST_LABEL = 200
_Label = Annotated[str, msgspec.Meta(max_length=_MOST_LABEL)]
_Average = Annotated[int, msgspec.Meta(ge=2, le=366)]
_RUNNING: dict[str, Callable[[float, float], float]] = {
    "count": lambda before, now: before + now,
    "sum": lambda before, now: before + now,
    "min": min,
    "max": max,
}


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One series: `hidden` ones are only computed with; of `cumulative` and `moving_average` at most one is given."""

    measure: str = "count"
    events: list[str] = []
    filters: list[Filter] = []
    label: _Label = ""
    hidden: bool = False
    cumulative: bool = False
    moving_average: _Average | None = None


class Computed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A formula over the series, which are A, B, C … in their order; cumulative, it is of their running totals."""

    formula: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_CHARACTERS)]
    label: _Label = ""
    cumulative: bool = False
    moving_average: _Average | None = None


class ExploreQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks: up to ten series over one range, with one breakdown; `filters` hold for each of them."""

    start: str
    end: str
    series: Annotated[list[Wanted], msgspec.Meta(min_length=1, max_length=len(NAMES))]
    formulas: Annotated[list[Computed], msgspec.Meta(max_length=10)] = []
    interval: Interval = "day"
    filters: list[Filter] = []
    group_by: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_GROUPS)] = _DEFAULT_GROUPS
    compare: Compare | None = None
    timezone: str | None = None

    def of(self, wanted: Wanted) -> TimeseriesQuery:
        """One of its series as a question of its own."""
        return TimeseriesQuery(
            start=self.start,
            end=self.end,
            interval=self.interval,
            events=wanted.events,
            filters=[*self.filters, *wanted.filters],
            measure=wanted.measure,
            group_by=self.group_by,
            limit=self.limit,
            compare=self.compare,
            timezone=self.timezone,
        )


class Line(msgspec.Struct, frozen=True):
    """One line; `name` is the series' letter or the formula, `total` that of the whole range, a formula's of totals."""

    name: str
    label: str
    key: str | None
    other: bool
    total: Value
    points: list[tuple[str, Value]]


class ExploredRange(msgspec.Struct, frozen=True):
    """The same lines over the other range; points with the same place belong together."""

    range: dict[str, str]
    series: list[Line]
    incomplete_last: bool
    incomplete_from: str | None


class ExploreAnswer(msgspec.Struct, frozen=True):
    """The lines: those of each series that is not hidden, then those of each formula."""

    series: list[Line]
    interval: Interval
    incomplete_last: bool
    incomplete_from: str | None
    compare: ExploredRange | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


async def explore(
    query: ExploreQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock = SYSTEM_CLOCK
) -> ExploreAnswer:
    """Answer every series exactly, and what is computed of them; raises as `timeseries` does.

    Refuses what cannot be computed (BAD_REQUEST): a running total of what does not add up, such as users, and formulas
    that are none. With a breakdown the groups are the largest of the first series, for all of them.
    """
    formulas = _checked(query)
    answers: list[TimeseriesAnswer] = []
    groups: Sequence[Key] | None = None
    for wanted in query.series:
        answer = await timeseries(query.of(wanted), project_id, warehouse, clock, groups=groups)
        if groups is None:
            groups = [() if query.group_by is None else (one.key,) for one in answer.series if not one.other]
        answers.append(answer)
    first = answers[0]
    compared = [answer.compare for answer in answers if answer.compare is not None]
    return ExploreAnswer(
        series=_lines(query, formulas, answers),
        interval=query.interval,
        incomplete_last=first.incomplete_last,
        incomplete_from=first.incomplete_from,
        compare=_range(compared[0], _lines(query, formulas, compared)) if compared else None,
        exact=True,
        took_ms=sum(answer.took_ms for answer in answers),
        rows_read=sum(answer.rows_read for answer in answers),
        range=first.range,
        plan=msgspec.structs.replace(
            joined([answer.plan for answer in answers]), cached=any(answer.plan.cached for answer in answers)
        ),
    )


def _checked(query: ExploreQuery) -> list[Formula]:
    names = NAMES[: len(query.series)]
    formulas = [Formula(one.formula, frozenset(names)) for one in query.formulas]
    both = [
        f"`{kind}[{place}]`"
        for kind, some in _parts(query)
        for place, one in enumerate(some)
        if one.cumulative and one.moving_average
    ]
    if both:
        detail = f"{both[0]} is cumulative and a moving average: give one of the two"
        raise Rejected(Refusal.BAD_REQUEST, detail)
    added = {name for name, one in zip(names, query.series, strict=True) if one.cumulative}
    for formula, summed in zip(formulas, query.formulas, strict=True):
        added |= formula.uses if summed.cumulative else set()
    for name, one in zip(names, query.series, strict=True):
        if name in added and _kind(one.measure) not in _RUNNING:
            detail = (
                f"`{one.measure}` of several intervals is not what they have together: only count, sum, min and max"
            )
            raise Rejected(Refusal.BAD_REQUEST, f"series {name} cannot be cumulative: {detail} can")
    if query.formulas or not all(one.hidden for one in query.series):
        return formulas
    raise Rejected(Refusal.BAD_REQUEST, "every series is hidden and there is no formula: nothing would be shown")


def _parts(query: ExploreQuery) -> list[tuple[str, Sequence[Wanted | Computed]]]:
    return [("series", query.series), ("formulas", query.formulas)]


def _kind(measure: str) -> str:
    return measure.partition(":")[0]


_Group = tuple[str | None, bool]


def _lines(query: ExploreQuery, formulas: Sequence[Formula], answers: Sequence[TimeseriesAnswer | Drawn]) -> list[Line]:
    """All lines over one of the ranges."""
    groups: list[_Group] = [(one.key, False) for one in answers[0].series if not one.other]
    if any(one.other for answer in answers for one in answer.series):
        groups.append((None, True))
    labels = [begin for begin, _ in answers[0].series[0].points] if answers[0].series else []
    named = dict(zip(NAMES, zip(query.series, answers, strict=True), strict=False))
    found = {
        name: {group: _of_group(group, answer.series, wanted.measure, labels) for group in groups}
        for name, (wanted, answer) in named.items()
    }
    lines = [
        Line(name, one.label, key, other, found[name][key, other].total, _treated(one, found[name][key, other].points))
        for name, one in zip(NAMES, query.series, strict=False)
        if not one.hidden
        for key, other in groups
    ]
    for formula, one in zip(formulas, query.formulas, strict=True):
        for group in groups:
            parts = {name: found[name][group] for name in formula.uses}
            columns = {
                name: _cumulated(named[name][0].measure, part.points) if one.cumulative else part.points
                for name, part in parts.items()
            }
            points: list[tuple[str, Value]] = [
                (begin, formula({name: column[place][1] for name, column in columns.items()}))
                for place, begin in enumerate(labels)
            ]
            total = formula({name: part.total for name, part in parts.items()})
            shown = _averaged(points, one.moving_average) if one.moving_average else points
            lines.append(Line(one.formula, one.label, *group, total, shown))
    return lines


def _of_group(group: _Group, series: Sequence[Series], measure: str, labels: Sequence[str]) -> Series:
    """The series of a group; empty where another series has the group and this one has not."""
    for one in series:
        if (one.key, one.other) == group:
            return one
    empty = 0 if _kind(measure) == "sum" else of_nothing(measure)
    return Series(*group, empty, [(begin, empty) for begin in labels])


def _treated(wanted: Wanted, points: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
    if wanted.cumulative:
        return _cumulated(wanted.measure, points)
    return _averaged(points, wanted.moving_average) if wanted.moving_average else points


def _cumulated(measure: str, points: list[tuple[str, Value]]) -> list[tuple[str, Value]]:
    """Each point of everything up to it; where nothing was measured it is what it was before."""
    run = _RUNNING[_kind(measure)]

    def further(before: Value, now: Value) -> Value:
        return before if now is None else now if before is None else run(before, now)

    begins = [begin for begin, _ in points]
    return list(zip(begins, accumulate((value for _, value in points), further), strict=True))


def _averaged(points: list[tuple[str, Value]], length: int) -> list[tuple[str, Value]]:
    """Each point the mean of itself and those before, `length` in all; None until there are as many, or one is None."""
    averaged: list[tuple[str, Value]] = []
    for place, (begin, _) in enumerate(points):
        window = [value for _, value in points[max(place - length + 1, 0) : place + 1]]
        known = [value for value in window if value is not None]
        averaged.append((begin, sum(known) / length if len(known) == length else None))
    return averaged


def _range(drawn: Drawn, lines: list[Line]) -> ExploredRange:
    return ExploredRange(drawn.range, lines, drawn.incomplete_last, drawn.incomplete_from)

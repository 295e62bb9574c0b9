"""A retention query → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from functions.query_retention.question import RetentionPeopleQuery, RetentionQuery
from shared.query.acts import bad, names_of
from shared.query.ask import Warehouse
from shared.query.behind import PeopleBehind, page_of, page_parts
from shared.query.buckets import Buckets, cut
from shared.query.parameters import Parameters
from shared.query.period import EARLIEST, Period, parse_period
from shared.query.planner import Plan
from shared.query.question import Question, plan_question
from shared.query.scope import read_sql

_FOLDER = Path(__file__).parent
MOST_COHORTS = 1_000
_DAYS = {"day": 1, "week": 7, "month": 30}
_MICROS_A_DAY = 86_400_000_000


class Cohort(msgspec.Struct, frozen=True):
    """Those who began in one interval: how many, and what became of them at each offset, beginning with 0.

    Values are people, or sums; with brackets the first is the cohort's size, and one of each bracket follows. From
    `incomplete_from` on they may still grow; null where none does.
    """

    date: str
    size: int
    values: list[float]
    incomplete_from: int | None


class RetentionAnswer(msgspec.Struct, frozen=True):
    """All cohorts that have anybody, and the mean at each offset: per person of the cohorts that are complete there."""

    cohorts: list[Cohort]
    mean: list[float | None]
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


async def retention(
    query: RetentionQuery, project_id: uuid.UUID, warehouse: Warehouse, now: datetime
) -> RetentionAnswer:
    """Answer exactly; refuses what makes no cohorts (`bad_question`) and what other queries refuse."""
    period, buckets, question = await _plan(query, project_id, warehouse)
    rows = await _ask(question, query, period, buckets)
    cohorts = _cohorts(query, period, buckets, rows, now)
    return RetentionAnswer(
        cohorts=cohorts,
        mean=_mean(cohorts),
        exact=True,
        took_ms=question.asker.took_ms,
        rows_read=question.asker.rows_read,
        range=period.echo(),
        plan=question.plan,
    )


async def people(query: RetentionPeopleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PeopleBehind:
    """A page of the people behind a number; refuses what `retention` does, and a cohort that is none."""
    period, buckets, question = await _plan(query, project_id, warehouse)
    parameters = Parameters()
    rows = await question.ask(
        "cohort_people",
        parameters,
        members=_members(question, query, period, buckets, parameters),
        cohort=parameters.bind("Int32", buckets.number_of(query.cohort, "cohort")),
        offset=parameters.bind("Int32", query.offset),
        **page_parts(query, parameters),
    )
    return page_of(query, rows, period.echo())


async def _plan(query: RetentionQuery, project_id: uuid.UUID, warehouse: Warehouse) -> tuple[Period, Buckets, Question]:
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    buckets = cut(period, query.interval)
    if len(buckets) > MOST_COHORTS:
        raise bad(
            f"`interval` {query.interval} makes {len(buckets):,} cohorts, at most {MOST_COHORTS:,}: take a wider one"
        )
    read = Period(EARLIEST, period.end, period.zone) if query.first_time else period
    names = names_of([query.begins, query.returning])
    question = await plan_question(query, names, read, project_id=project_id, warehouse=warehouse, folder=_FOLDER)
    return period, buckets, question


async def _ask(
    question: Question, query: RetentionQuery, period: Period, buckets: Buckets
) -> Sequence[tuple[int, int, int, float]]:
    """(cohort, offset, people, amount) of all that are not nothing."""
    parameters = Parameters()
    members = _members(question, query, period, buckets, parameters)
    rows = await question.ask("cohorts", parameters, members=members, most=str(len(query.brackets) or query.periods))
    return [(cohort, offset, people, amount) for cohort, offset, people, amount in rows]


def _members(
    question: Question, query: RetentionQuery, period: Period, buckets: Buckets, parameters: Parameters
) -> str:
    """SQL of the people of each cohort, and at which offsets they came back."""
    start = parameters.bind("DateTime64(6, 'UTC')", str(period.start.replace(tzinfo=None)))
    return read_sql(
        _FOLDER,
        "members",
        subject=question.subject,
        cohorts="first_bucket" if query.first_time else "arrayJoin(buckets)",
        offsets=_offsets(query, parameters),
        came=_came(query),
        bucket=buckets.number_sql(parameters),
        started=query.begins.sql(parameters),
        returned=query.returning.sql(parameters),
        amount=f"ifNull({query.amount}, 0.)" if query.amount else "0.",
        rows=question.rows(parameters),
        **{"from": start},
    )


def _came(query: RetentionQuery) -> str:
    """SQL of when a person came back: intervals, or instants on a person's own clock; with amounts all of a row."""
    if query.amount:
        return "groupArrayIf((toInt64(bucket), moment, amount), returned AND bucket >= 0)"
    at = "moment" if query.rolling else "toInt64(bucket)"
    return f"groupUniqArrayIf({at}, returned AND bucket >= 0)"


def _offsets(query: RetentionQuery, parameters: Parameters) -> str:
    """SQL of an array of (offset, amount, whether it stands for a person)."""
    length = _DAYS[query.interval] * _MICROS_A_DAY
    if query.amount:
        later = "one.2 >= anchor" if query.first_time else "one.1 >= cohort"
        offset = f"intDiv(one.2 - anchor, {length})" if query.rolling else "one.1 - cohort"
        spent = f"arrayMap(one -> ({offset}, one.3, toUInt8(0)), arrayFilter(one -> {later}, came))"
        return f"arrayConcat([(toInt64(0), toFloat64(0), toUInt8(1))], {spent})"
    offset = f"intDiv(at - anchor, {length})" if query.rolling else "at - cohort"
    back = f"arrayDistinct(arrayFilter(one -> one > 0, arrayMap(at -> {offset}, came)))"
    if query.mode == "on_or_after":
        back = f"range(toInt64(1), 1 + arrayMax(arrayConcat([toInt64(0)], {back})))"
    elif query.mode == "bracket":
        lows = parameters.bind("Array(Int64)", [low for low, _ in query.brackets])
        highs = parameters.bind("Array(Int64)", [high for _, high in query.brackets])
        inside = f"arrayExists(one -> one >= {lows}[place] AND one <= {highs}[place], back)"
        places = f"range(toInt64(1), toInt64({len(query.brackets) + 1}))"
        back = (
            f"arrayMap((place, back) -> if({inside}, place, toInt64(0)), {places}, arrayMap(place -> {back}, {places}))"
        )
        back = f"arrayFilter(one -> one > 0, {back})"
    return f"arrayMap(one -> (one, toFloat64(0), toUInt8(1)), arrayConcat([toInt64(0)], {back}))"


def _cohorts(
    query: RetentionQuery,
    period: Period,
    buckets: Buckets,
    rows: Sequence[tuple[int, int, int, float]],
    now: datetime,
) -> list[Cohort]:
    found: dict[int, dict[int, tuple[int, float]]] = {}
    for cohort, offset, people, amount in rows:
        found.setdefault(cohort, {})[offset] = (people, amount)
    labels, ends = buckets.labels(), _Ends(query, period, buckets)
    cohorts = []
    for cohort, by_offset in sorted(found.items()):
        number = len(query.brackets) or min(query.periods, ends.last_offset(cohort))
        values: list[float] = [by_offset.get(offset, (0, 0.0))[bool(query.amount)] for offset in range(number + 1)]
        if query.cumulative:
            values = [sum(values[: place + 1]) for place in range(len(values))]
        unfinished = (offset for offset in range(number + 1) if ends.of(cohort, offset) > min(now, period.end))
        cohorts.append(Cohort(labels[cohort], by_offset[0][0], values, next(unfinished, None)))
    return cohorts


class _Ends:
    """When an offset of a cohort is over."""

    def __init__(self, query: RetentionQuery, period: Period, buckets: Buckets) -> None:
        self._query = query
        self._period = period
        self._buckets = buckets

    def last_offset(self, cohort: int) -> int:
        """The last offset that begins within the range."""
        if not self._query.rolling:
            return len(self._buckets) - 1 - cohort
        return (self._period.end - self._buckets.starts[cohort] - timedelta(microseconds=1)) // self._length

    def of(self, cohort: int, offset: int) -> datetime:
        """When all of a cohort have come to the end of an offset; of a bracket, to its last interval's."""
        if self._query.brackets and offset:
            offset = self._query.brackets[offset - 1][1]
        if self._query.rolling:
            return self._buckets.ends[cohort] + (offset + 1) * self._length
        place = cohort + offset
        if place < len(self._buckets):
            return min(self._buckets.ends[place], self._period.end) if not offset else self._buckets.ends[place]
        return datetime.max.replace(tzinfo=self._period.end.tzinfo)

    @property
    def _length(self) -> timedelta:
        return timedelta(days=_DAYS[self._query.interval])


def _mean(cohorts: Sequence[Cohort]) -> list[float | None]:
    found: list[float | None] = []
    for offset in range(max((len(one.values) for one in cohorts), default=0)):
        complete = [
            one
            for one in cohorts
            if offset < len(one.values) and (one.incomplete_from is None or offset < one.incomplete_from)
        ]
        people = sum(one.size for one in complete)
        found.append(sum(one.values[offset] for one in complete) / people if people else None)
    return found

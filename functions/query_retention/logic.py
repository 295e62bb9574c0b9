"""A retention query → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

import msgspec

from functions.query_retention.cohorts import Cohort, Cohorts, Row, cohorts_of
from functions.query_retention.members import Members, behind
from functions.query_retention.question import RetentionPeopleQuery, RetentionQuery
from shared.query.acts import bad, names_of
from shared.query.ask import Warehouse
from shared.query.behind import PeopleBehind, page_of, page_parts
from shared.query.buckets import Buckets, cut
from shared.query.parameters import Parameters
from shared.query.period import EARLIEST, Period, parse_period
from shared.query.planner import Plan
from shared.query.question import Question, plan_question

_FOLDER = Path(__file__).parent
MOST_COHORTS = 1_000
# Of all groups together: cohorts times the offsets of each.
MOST_NUMBERS = 500_000


class RetentionGroup(msgspec.Struct, frozen=True):
    """The retention of one group; null is the key of those who do not say anything in the field."""

    key: str | None
    people: int
    cohorts: list[Cohort]
    mean: list[float | None]
    mean_shares: list[float | None]


class RetentionBreakdown(msgspec.Struct, frozen=True):
    """The groups with most people in their cohorts, and how many people are in cohorts of all other groups."""

    by: str
    groups: list[RetentionGroup]
    other: int


class RetentionAnswer(msgspec.Struct, frozen=True):
    """All cohorts that have anybody, and the means at each offset: of the cohorts that are complete there.

    `mean` is per person; `mean_shares` is of all that the first intervals have, which says of sums how much of what
    they brought then people go on to bring. `hint` says what to look at where nobody began.
    """

    cohorts: list[Cohort]
    mean: list[float | None]
    mean_shares: list[float | None]
    breakdown: RetentionBreakdown | None
    hint: str
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


async def retention(
    query: RetentionQuery, project_id: uuid.UUID, warehouse: Warehouse, now: datetime
) -> RetentionAnswer:
    """Answer exactly; refuses what makes no cohorts (`bad_question`) and what other queries refuse."""
    asked = await _plan(query, project_id, warehouse)
    whole = asked.cohorts(await asked.ask("cohorts"), now)
    breakdown = None if query.breakdown is None else await _breakdown(asked, query.breakdown, whole, now)
    return RetentionAnswer(
        cohorts=whole.cohorts,
        mean=whole.mean,
        mean_shares=whole.mean_shares,
        breakdown=breakdown,
        hint="" if whole.cohorts or query.explain else _hint(query),
        exact=True,
        took_ms=asked.question.asker.took_ms,
        rows_read=asked.question.asker.rows_read,
        range=asked.period.echo(),
        plan=asked.question.plan,
    )


async def people(query: RetentionPeopleQuery, project_id: uuid.UUID, warehouse: Warehouse) -> PeopleBehind:
    """A page of the people behind a number; refuses what `retention` does, and a cohort that is none."""
    asked = await _plan(query, project_id, warehouse)
    parameters = Parameters()
    rows = await asked.question.ask(
        "cohort_people",
        parameters,
        members=asked.members.sql(parameters, (query.breakdown or "") if query.group else ""),
        cohort=parameters.bind("Int32", asked.buckets.number_of(query.cohort, "cohort")),
        **behind(query, parameters),
        **page_parts(query, parameters),
    )
    return page_of(query, rows, asked.period.echo())


class _Asked(msgspec.Struct, frozen=True):
    """A planned retention: its statements are asked one by one."""

    query: RetentionQuery
    period: Period
    buckets: Buckets
    question: Question

    @property
    def members(self) -> Members:
        return Members(self.question, self.query, self.period, self.buckets)

    async def ask(self, name: str, by: str = "", **parts: str) -> Sequence[Sequence[object]]:
        parameters = Parameters()
        most = str(len(self.query.brackets) or self.query.periods)
        return await self.question.ask(name, parameters, members=self.members.sql(parameters, by), most=most, **parts)

    def cohorts(self, rows: Sequence[Sequence[object]], now: datetime) -> Cohorts:
        """Of rows of (cohort, offset, people, amount)."""
        return cohorts_of(self.query, self.period, self.buckets, msgspec.convert(rows, list[Row]), now)


async def _plan(query: RetentionQuery, project_id: uuid.UUID, warehouse: Warehouse) -> _Asked:
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    buckets = cut(period, query.interval)
    if len(buckets) > MOST_COHORTS:
        raise bad(
            f"`interval` {query.interval} makes {len(buckets):,} cohorts, at most {MOST_COHORTS:,}: take a wider one"
        )
    numbers = query.limit * len(buckets) * (1 + (len(query.brackets) or min(query.periods, len(buckets))))
    if query.breakdown and numbers > MOST_NUMBERS:
        raise bad(f"`breakdown` makes up to {numbers:,} numbers, at most {MOST_NUMBERS:,}: take a smaller `limit`")
    read = Period(EARLIEST, period.end, period.zone) if query.first_time else period
    names = names_of([query.begins, query.returning])
    groups = [query.breakdown] if query.breakdown else []
    question = await plan_question(
        query, names, read, project_id=project_id, warehouse=warehouse, folder=_FOLDER, groups=groups
    )
    if query.dated:
        await question.heed_profiles()
    return _Asked(query, period, buckets, question)


async def _breakdown(asked: _Asked, by: str, whole: Cohorts, now: datetime) -> RetentionBreakdown:
    rows = await asked.ask("groups", by, limit=str(asked.query.limit))
    groups = []
    for key, found in groupby(rows, key=lambda row: row[0]):
        one = asked.cohorts([row[1:] for row in found], now)
        name = None if key is None else str(key)
        groups.append(RetentionGroup(name, one.people, one.cohorts, one.mean, one.mean_shares))
    return RetentionBreakdown(by, groups, whole.people - sum(one.people for one in groups))


def _hint(query: RetentionQuery) -> str:
    if query.dated:
        return f"nobody who did anything has a date of this range in {query.cohort_by}: look at its spelling"
    return "nobody began in this range: look at the spelling of `start` and its filters"

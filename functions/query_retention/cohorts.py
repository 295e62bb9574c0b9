"""Cohorts: what rows of (cohort, offset, people, amount) come to, from where on it may grow, and the means."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from functions.query_retention.question import RetentionQuery
from shared.query.buckets import Buckets
from shared.query.period import Period

DAYS = {"day": 1, "week": 7, "month": 30}

Row = tuple[int, int, int, float]


class Cohort(msgspec.Struct, frozen=True):
    """Those who began in one interval: how many, and what became of them at each offset, beginning with 0.

    Values are people, or sums; with brackets the first is the cohort's size, and one of each bracket follows. `shares`
    are parts of the first value: of the people, or of what the first interval brought, and null where that is 0. From
    `incomplete_from` on they may still grow; null where none does.
    """

    date: str
    size: int
    values: list[float]
    shares: list[float | None]
    incomplete_from: int | None


class Cohorts(msgspec.Struct, frozen=True):
    """All cohorts that have anybody, and the means at each offset, of the cohorts that are complete there.

    `mean` is per person, `mean_shares` of all that the first intervals have.
    """

    cohorts: list[Cohort]
    mean: list[float | None]
    mean_shares: list[float | None]

    @property
    def people(self) -> int:
        """How many are in the cohorts; somebody who is in several counts in each."""
        return sum(one.size for one in self.cohorts)


def cohorts_of(query: RetentionQuery, period: Period, buckets: Buckets, rows: Sequence[Row], now: datetime) -> Cohorts:
    """The cohorts that rows make, of those that are not nothing; `now` says which intervals are over."""
    found: dict[int, dict[int, tuple[int, float]]] = {}
    for cohort, offset, people, amount in rows:
        found.setdefault(cohort, {})[offset] = (people, amount)
    labels, ends = buckets.labels(), _Ends(query, period, buckets)
    cohorts = []
    for cohort, by_offset in sorted(found.items()):
        number = len(query.brackets) or min(query.periods, ends.last_offset(cohort))
        values: list[float] = [by_offset.get(offset, (0, 0.0))[bool(query.amount)] for offset in range(number + 1)]
        if query.cumulative and query.amount:
            values = [sum(values[: place + 1]) for place in range(len(values))]
        unfinished = (offset for offset in range(number + 1) if ends.of(cohort, offset) > min(now, period.end))
        shares = [value / values[0] if values[0] else None for value in values]
        cohorts.append(Cohort(labels[cohort], by_offset[0][0], values, shares, next(unfinished, None)))
    return Cohorts(cohorts, _mean(cohorts), _mean(cohorts, of_first=True))


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
        return timedelta(days=DAYS[self._query.interval])


def _mean(cohorts: Sequence[Cohort], *, of_first: bool = False) -> list[float | None]:
    found: list[float | None] = []
    for offset in range(max((len(one.values) for one in cohorts), default=0)):
        complete = [
            one
            for one in cohorts
            if offset < len(one.values) and (one.incomplete_from is None or offset < one.incomplete_from)
        ]
        whole = sum(one.values[0] if of_first else one.size for one in complete)
        found.append(sum(one.values[offset] for one in complete) / whole if whole else None)
    return found

"""The range a time series is compared with: the one before, the year before, or one that is named."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from shared.query.buckets import Interval
from shared.query.period import Period, parse_period
from shared.refusals import Refusal, Rejected

_MONTHS_A_YEAR = 12
_WEEKS_A_YEAR = 52
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}):
    """A range as it is written in a query."""

    start: str
    end: str


Compare = Literal["previous_period", "previous_year"] | Range


def compared(period: Period, interval: Interval, wanted: Compare) -> Period:
    """The period to compare with; refuses one in which no event can be (`bad_range`).

    `previous_period` is the same range moved back by as few whole intervals as make it end where it began, or before:
    buckets then cover equal parts of their minute, hour, day, week or month. A range of whole days is moved by whole
    days at least, so that hours stand beside the same hours. `previous_year` has the same dates a year earlier; of
    weekly series the same weekdays 52 weeks earlier. Moving is done on the local clock.
    """
    if isinstance(wanted, Range):
        return parse_period(wanted.start, wanted.end, period.zone.key)
    if wanted == "previous_year":
        found = _by_days(period, _WEEKS_A_YEAR * _WEEK) if interval == "week" else _by_months(period, _MONTHS_A_YEAR)
    else:
        found = _before(period, interval)
    if found.end <= _EARLIEST:
        raise Rejected(Refusal.BAD_RANGE, f"`compare`: no event can be in the range before {period.echo()['from']}")
    return Period(max(found.start, _EARLIEST), found.end, found.zone)


def _before(period: Period, interval: Interval) -> Period:
    start, end = _wall(period.start, period), _wall(period.end, period)
    if interval == "month":
        return _by_months(period, _months_between(start, end))
    if interval == "week":
        return _by_days(period, -((start - end) // _WEEK) * _WEEK)
    if interval == "day" or start.time() == end.time() == datetime.min.time():
        return _by_days(period, max(1, -((start - end) // _DAY)) * _DAY)
    unit = _UNITS[interval]
    back = -((period.start - period.end) // unit) * unit
    return Period(period.start - back, period.end - back, period.zone)


def _months_between(start: datetime, end: datetime) -> int:
    """The fewest months to move `end` back by to be at `start` or before."""
    months = (end.year - start.year) * _MONTHS_A_YEAR + end.month - start.month
    return max(1, months if _months_back(end, months) <= start else months + 1)


def _months_back(wall: datetime, months: int) -> datetime:
    """The same day and time so many months earlier; the month's last day where it has no such day."""
    year, month = divmod(wall.year * _MONTHS_A_YEAR + wall.month - 1 - months, _MONTHS_A_YEAR)
    following = datetime(year + month // 11, (month + 1) % _MONTHS_A_YEAR + 1, 1)  # noqa: DTZ001 (a wall clock's)
    last = (following - _DAY).day
    return wall.replace(year=year, month=month + 1, day=min(wall.day, last))


def _by_days(period: Period, back: timedelta) -> Period:
    return _moved(period, lambda wall: wall - back)


def _by_months(period: Period, months: int) -> Period:
    return _moved(period, lambda wall: _months_back(wall, months))


def _moved(period: Period, move: Callable[[datetime], datetime]) -> Period:
    """The period with both ends moved on the local clock; as long as it was where that leaves nothing of it."""
    start, end = (
        move(_wall(moment, period)).replace(tzinfo=period.zone).astimezone(UTC) for moment in (period.start, period.end)
    )
    return Period(start, end if start < end else start + (period.end - period.start), period.zone)


def _wall(moment: datetime, period: Period) -> datetime:
    return moment.astimezone(period.zone).replace(tzinfo=None)

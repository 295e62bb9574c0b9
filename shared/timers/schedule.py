"""A cron line in a timezone → the moments it means, also where the clocks change.

Five fields (minute, hour, day, month, weekday) as cron has them. Where the clocks are put forward, a time that the day
does not have is due at the moment the gap ends; where they are put back, a time that the day has twice is due at the
first. A line whose hour begins with `*` speaks of spans instead of times of day: nothing is added for the hour that is
left out, and the hour that is repeated has its times twice.
"""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared.query.period import zone_of
from shared.refusals import Refusal, Rejected

_FIELDS = 5
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
# How far back the time before a moment is looked for, in steps: a 29th of February may be eight years away.
_LOOKS_BACK = (
    timedelta(minutes=5),
    timedelta(hours=2),
    timedelta(days=2),
    timedelta(days=40),
    timedelta(days=400),
    timedelta(days=3_000),
)
_MOST_CHARACTERS = 200
# croniter knows more than cron does (last days, random and hashed times); none of it is taken.
_VALUE = r"(?:[0-9]{1,2}|[a-z]{3})"
_FIELD = re.compile(rf"(?:(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/[0-9]{{1,2}})?(?:,(?!$)|$))+")
_EXAMPLE = "a cron line has five fields: minute, hour, day, month, weekday, such as `0 8 * * mon-fri`"


class Schedule(msgspec.Struct, frozen=True):
    """When something is due: a cron line and the IANA name of the zone it is meant in. Made by `parse_schedule`."""

    cron: str
    timezone: str

    def next(self, after: datetime) -> datetime:
        """The first moment later than `after`; both aware, the answer UTC. None is ever given twice."""
        return _Walk(self).next(after)

    def previous(self, before: datetime) -> datetime:
        """The last moment before `before`; raises ValueError where there was none in eight years."""
        for back in _LOOKS_BACK:
            if found := list(self.between(before - back, before - _SECOND / 1_000_000)):
                return found[-1]
        raise ValueError(f"{self.cron!r} has no moment before {before}")

    def between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The moments later than `after` and not later than `until`, in order."""
        walk = _Walk(self)
        while (after := walk.next(after)) <= until:
            yield after

    def last(self, after: datetime, until: datetime, most: int) -> list[datetime]:
        """The last `most` moments later than `after` and not later than `until`, in order; quick for any span."""
        for back in _LOOKS_BACK:
            start = max(after, until - back)
            found = list(self.between(start, until))
            if len(found) >= most or start == after:
                return found[-most:]
        return found[-most:]


def parse_schedule(cron: str, timezone: str = "UTC", *, shortest: timedelta = timedelta(minutes=1)) -> Schedule:
    """The schedule of a cron line; refuses what is none, never comes, or comes more often than each `shortest`.

    Refuses with `bad_schedule`, an unknown zone with `bad_timezone`.
    """
    from croniter import croniter

    zone_of(timezone)
    fields = cron.lower().split()
    fits = len(cron) <= _MOST_CHARACTERS and all(map(_FIELD.fullmatch, fields))
    if not fits or len(fields) != _FIELDS:
        raise Rejected(Refusal.BAD_SCHEDULE, f"{cron[:100]!r}: {_EXAMPLE}")
    line = " ".join(fields)
    if not croniter.is_valid(line, strict=True):
        raise Rejected(Refusal.BAD_SCHEDULE, f"{cron[:100]!r} has a field out of its range, or never comes; {_EXAMPLE}")
    schedule = Schedule(line, timezone)
    first = schedule.next(_PLAIN)
    moments = [first, *schedule.between(first, first + _DAY)]  # a day has every time of day
    if any(later - earlier < shortest for earlier, later in itertools.pairwise(moments)):
        raise Rejected(Refusal.BAD_SCHEDULE, f"{cron!r} is due more often than each {_words(shortest)}")
    return schedule


# A Sunday in January, when no zone changes its clocks.
_PLAIN = datetime(2026, 1, 11, tzinfo=UTC)


class _Walk:
    """One walk along a schedule; a line is parsed once for it."""

    def __init__(self, schedule: Schedule) -> None:
        from croniter import croniter

        self._lines: Any = croniter(schedule.cron, datetime(1970, 1, 1))  # noqa: DTZ001 (times of day, in no zone)
        self._zone = zone_of(schedule.timezone)
        self._spans = schedule.cron.split()[1].startswith("*")

    def next(self, after: datetime) -> datetime:
        at = after.astimezone(UTC).replace(microsecond=0)
        offset = self._offset(at)
        floor = at.replace(tzinfo=None) + offset
        while True:
            wanted: datetime = self._lines.get_next(datetime, start_time=floor)
            due = (wanted - offset).replace(tzinfo=UTC)
            change = self._change(at, due)
            if change is None:
                if self._spans or not due.astimezone(self._zone).fold:
                    return due
                floor = wanted  # the second of two
                continue
            clock = change.replace(tzinfo=None)
            ended, begun = clock + offset, clock + self._offset(change)
            if begun > ended and wanted < begun and not self._spans:
                return change
            at, offset, floor = change, self._offset(change), begun - _SECOND

    def _offset(self, moment: datetime) -> timedelta:
        return moment.astimezone(self._zone).utcoffset() or timedelta()

    def _change(self, after: datetime, until: datetime) -> datetime | None:
        """The first moment in a span at which the zone's offset is another than at its start, to the second."""
        offset, step = self._offset(after), after
        while step < until:
            step, before = min(step + _DAY, until), step
            if self._offset(step) != offset:
                low, high = before.replace(microsecond=0), step
                while high - low > _SECOND:
                    middle = low + ((high - low) / 2 // _SECOND) * _SECOND
                    low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
                return high
        return None


def _words(span: timedelta) -> str:
    return f"{span // timedelta(minutes=1)} minutes"

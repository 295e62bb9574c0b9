"""The points of a time series: a period cut at the boundaries of a zone's own calendar and clock.

Days, weeks (from Monday) and months hold the instants at which the local calendar shows them, however many hours
that are; a day the zone skipped is no bucket. Minutes and hours belong to one offset: an hour that the clock shows
twice is two buckets. All is decided here, with Python's zone database, and the warehouse only looks up the number of
the bucket an instant is in: its own zone tables may be of another year and do not know every odd change of clocks.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.refusals import Refusal, Rejected

Interval = Literal["minute", "hour", "day", "week", "month"]
MAX_POINTS = 10_000

_DAY = 86_400
_EPOCH = date(1970, 1, 1)
# Width and, from 1970 on, the begin of one of them, in seconds. A month is as wide as it can be.
_WIDTHS: dict[Interval, tuple[int, int]] = {
    "minute": (60, 0),
    "hour": (3_600, 0),
    "day": (_DAY, 0),
    "week": (7 * _DAY, -3 * _DAY),
    "month": (31 * _DAY, 0),
}
# No zone changes its clocks twice within so many seconds (since 1970 never within 6 days; a test looks).
_PROBE = 3 * _DAY
# Clocks change by less than this much, so a bucket is never longer than its width and this.
_LONGEST_CHANGE = 2 * _DAY

_Key = tuple[int, int]  # where the bucket begins on the wall clock; of minutes and hours their offset, too


class Buckets(msgspec.Struct, frozen=True):
    """Buckets in the order they begin; `starts` and `ends` are of whole ones, even where a period cuts them."""

    starts: list[datetime]
    ends: list[datetime]
    zone: ZoneInfo
    segments: list[tuple[int, int]]
    """From which second on an instant is in the bucket of which number; ordered, the first begins with the period."""

    def __len__(self) -> int:
        return len(self.starts)

    def labels(self) -> list[str]:
        """Each bucket's own begin as ISO 8601 with the local offset it has then."""
        return [self._label(start) for start in self.starts]

    def number_of(self, label: str, field: str) -> int:
        """The number of the bucket with this label; refuses what is none (`bad_question`), naming the field."""
        labels = self.labels()
        if label not in labels:
            raise Rejected(
                Refusal.BAD_QUESTION, f"`{field}` {label!r}: take a begin that is in the answer, such as {labels[0]}"
            )
        return labels.index(label)

    def unfinished(self, now: datetime) -> str | None:
        """The label of the first bucket that is not over at `now`; None where all are."""
        found = next((start for start, end in zip(self.starts, self.ends, strict=True) if end > now), None)
        return None if found is None else self._label(found)

    def _label(self, start: datetime) -> str:
        return start.astimezone(self.zone).isoformat()

    def number_sql(self, parameters: Parameters) -> str:
        """SQL of the number of the bucket a row of the period is in."""
        starts = parameters.bind("Array(Int64)", [start for start, _ in self.segments])
        numbers = parameters.bind("Array(UInt16)", [number for _, number in self.segments])
        return f"transform(roundDown(toUnixTimestamp64Second(timestamp), {starts}), {starts}, {numbers}, toUInt16(0))"


def cut(period: Period, interval: Interval) -> Buckets:
    """The buckets that a period touches; refuses more than MAX_POINTS of them (`query_too_expensive`)."""
    start, end = _second(period.start), _second(period.end + timedelta(microseconds=999_999))
    _check(interval, start, end)
    around = _WIDTHS[interval][0] + _LONGEST_CHANGE
    whole: dict[_Key, tuple[int, int]] = {}
    inside: list[tuple[int, _Key]] = []
    for first, over, key in _segments(start - around, end + around, period.zone, interval):
        known = whole.get(key)
        whole[key] = (first, over) if known is None else (known[0], over)
        if first < end and over > start:
            inside.append((max(first, start), key))
    numbers = {key: number for number, key in enumerate(dict.fromkeys(key for _, key in inside))}
    check_points(len(numbers), 1, interval, period)
    numbered = [(first, numbers[key]) for first, key in inside]
    return Buckets(
        starts=[_moment(whole[key][0]) for key in numbers],
        ends=[_moment(whole[key][1]) for key in numbers],
        zone=period.zone,
        segments=[here for before, here in pairwise([(0, -1), *numbered]) if before[1] != here[1]],
    )


def check_points(buckets: int, series: int, interval: Interval, period: Period) -> None:
    """Refuse more than MAX_POINTS points, and say what to ask instead (`query_too_expensive`)."""
    if buckets * series > MAX_POINTS:
        _refuse(buckets, interval, _second(period.start), _second(period.end), series)


def local_sql(wall: str, period: Period, parameters: Parameters) -> str:
    """SQL of the instant, in microseconds, of a time on the wall clock; what the zone says of times near the period.

    `wall` is SQL of that time as if it were UTC. Of a time that the clock shows twice it is the first, of one that it
    skips what the clock showed before would have made it, as in Python.
    """
    start, end = _second(period.start) - _LONGEST_CHANGE, _second(period.end) + _LONGEST_CHANGE
    spans = list(_spans(start, end, period.zone))
    begins = [start + spans[0][2], *(one[1] + max(one[2], later[2]) for one, later in pairwise(spans))]
    bound = parameters.bind("Array(Int64)", begins)
    offsets = parameters.bind("Array(Int64)", [offset for _, _, offset in spans])
    return f"{wall} - 1000000 * transform(roundDown(intDiv({wall}, 1000000), {bound}), {bound}, {offsets}, toInt64(0))"


def _check(interval: Interval, start: int, end: int) -> None:
    """The same before anything is cut: a hundred years of minutes are not made first and refused then."""
    estimated = (end - start) // _WIDTHS[interval][0]
    if estimated > 2 * MAX_POINTS:
        _refuse(estimated, interval, start, end, 1)


def _refuse(buckets: int, interval: Interval, start: int, end: int, series: int) -> None:
    asked = f"{buckets:,} points of {interval}" + (f" in each of {series:,} series" if series > 1 else "")
    larger = [
        wider
        for wider in get_args(Interval)
        if _WIDTHS[wider][0] > _WIDTHS[interval][0] and ((end - start) // _WIDTHS[wider][0] + 2) * series <= MAX_POINTS
    ]
    fewer = "a shorter range" + (" or a smaller `limit`" if series > 1 else "")
    instead = f"take interval={larger[0]} or {fewer}" if larger else f"take {fewer}"
    raise Rejected(Refusal.QUERY_TOO_EXPENSIVE, f"{asked} are more than {MAX_POINTS:,}: {instead}")


def _segments(start: int, end: int, zone: ZoneInfo, interval: Interval) -> Iterator[tuple[int, int, _Key]]:
    """Pieces of time within one bucket each: begin, end and what names the bucket, in seconds."""
    by_offset = interval in ("minute", "hour")
    for begun, over, offset in _spans(start, end, zone):
        wall = begun + offset
        while wall < over + offset:
            floor, following = _around(wall, interval)
            yield wall - offset, min(following - offset, over), (floor, offset if by_offset else 0)
            wall = following


def _around(wall: int, interval: Interval) -> tuple[int, int]:
    """Where on the wall clock the bucket that holds `wall` begins, and where the next one does."""
    if interval == "month":
        first = (_EPOCH + timedelta(days=wall // _DAY)).replace(day=1)
        following = (first + timedelta(days=31)).replace(day=1)
        return (first - _EPOCH).days * _DAY, (following - _EPOCH).days * _DAY
    width, base = _WIDTHS[interval]
    floor = (wall - base) // width * width + base
    return floor, floor + width


def _spans(start: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int, int]]:
    """Pieces of time with one offset from UTC: begin, end, offset, all in seconds."""
    begun = seen = start
    offset = _offset(start, zone)
    while seen < end:
        ahead = min(seen + _PROBE, end)
        if _offset(ahead, zone) == offset:
            seen = ahead
            continue
        seen = _first_with_another(seen, ahead, offset, zone)
        yield begun, seen, offset
        begun, offset = seen, _offset(seen, zone)
    if begun < end:
        yield begun, end, offset


def _first_with_another(low: int, high: int, offset: int, zone: ZoneInfo) -> int:
    return low + bisect_left(range(low, high + 1), True, key=lambda second: _offset(second, zone) != offset)


def _offset(second: int, zone: ZoneInfo) -> int:
    difference = datetime.fromtimestamp(second, zone).utcoffset() or timedelta()
    return difference.days * _DAY + difference.seconds


def _second(moment: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)

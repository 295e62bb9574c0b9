"""Time ranges as people give them → instants (DESIGN §2a)."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shared.query.zone import project_timezone
from shared.refusals import Refusal, Rejected

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2149, 6, 6, tzinfo=UTC)  # the last day of the warehouse's Date; a later one would wrap around
# What a zone database may hold beside the names: this machine's own zone, and clocks that count leap seconds.
_NOT_NAMES = re.compile(r"localtime|posixrules|Factory|posix/.*|right/.*")
_WHOLE_WEEK = re.compile(r"\d{4}-?W\d\d")


class Period(msgspec.Struct, frozen=True):
    """A range of time: `start` inclusive, `end` exclusive, both UTC; `zone` is what days and answers are in."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def echo(self) -> dict[str, str]:
        """The range as every answer repeats it: local times with their offset."""
        return {
            "from": self.start.astimezone(self.zone).isoformat(),
            "to": self.end.astimezone(self.zone).isoformat(),
            "timezone": self.zone.key,
        }


def parse_period(start: str, end: str, timezone: str | None = "UTC") -> Period:
    """A Period from two ISO 8601 texts; a date-only `end` includes that day, naive times are in `timezone`.

    Without a timezone it is the project's. A week (`2026-W05`) is a date too, and as `end` included whole. Refuses an
    unknown zone (`bad_timezone`), and an empty, backward or unreadable range or one in which no event can be
    (`bad_range`).
    """
    zone = zone_of(project_timezone.get() if timezone is None else timezone)
    first = _instant(start, "from", zone, end_of_day=False)
    last = _instant(end, "to", zone, end_of_day=True)
    if first >= last:
        raise Rejected(Refusal.BAD_RANGE, f"`from` {start} is not before `to` {end}")
    first, last = _within(first), _within(last)
    if first >= last:
        raise Rejected(
            Refusal.BAD_RANGE, f"no event can be from {start} to {end}: times go from {EARLIEST:%Y} to {LATEST:%Y}"
        )
    return Period(first, last, zone)


def _within(moment: datetime) -> datetime:
    """The nearest time that the warehouse can compare with; no event is outside."""
    return min(max(moment, EARLIEST), LATEST)


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name; refuses what is none (`bad_timezone`)."""
    try:
        zone = None if _NOT_NAMES.fullmatch(name) else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    if zone is None:
        raise Rejected(Refusal.BAD_TIMEZONE, f"{name!r}; use an IANA name such as Europe/Berlin")
    return zone


def _instant(text: str, field: str, zone: ZoneInfo, *, end_of_day: bool) -> datetime:
    try:
        day = _day(text)
        moment = datetime.fromisoformat(text) if day is None else datetime(day.year, day.month, day.day)  # noqa: DTZ001 (its zone follows)
    except ValueError as error:
        raise Rejected(
            Refusal.BAD_RANGE, f"`{field}` {text!r} is not an ISO 8601 date or time, such as 2026-01-31"
        ) from error
    try:
        if day is not None and end_of_day:
            moment += timedelta(days=7 if _WHOLE_WEEK.fullmatch(text) else 1)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:  # beside the years 1 to 9999, where the zone or the day's end leads
        return EARLIEST if moment.year == 1 else LATEST


def _day(text: str) -> date | None:
    """The day of a date-only text in any of ISO 8601's spellings; None for a time; ValueError for a bare number."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        if text.isdecimal():  # seconds since 1970, which would be read as digits of a date and a time
            raise
        return None

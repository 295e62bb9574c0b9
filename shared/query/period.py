"""Time ranges as people give them → instants (DESIGN §2a)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from shared.refusals import Refusal, Rejected

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2149, 6, 6, tzinfo=UTC)  # the last day of the warehouse's Date; a later one would wrap around


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


def parse_period(start: str, end: str, timezone: str = "UTC") -> Period:
    """A Period from two ISO 8601 texts; a date-only `end` includes that day, naive times are in `timezone`.

    Refuses an unknown zone (`bad_timezone`) and an empty, backward or unreadable range (`bad_range`).
    """
    zone = _zone(timezone)
    first = _instant(start, "from", zone, end_of_day=False)
    last = _instant(end, "to", zone, end_of_day=True)
    if first >= last:
        raise Rejected(Refusal.BAD_RANGE, f"`from` {start} is not before `to` {end}")
    return Period(_within(first), _within(last), zone)


def _within(moment: datetime) -> datetime:
    """The nearest time that the warehouse can compare with; no event is outside."""
    return min(max(moment, _EARLIEST), _LATEST)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Rejected(Refusal.BAD_TIMEZONE, f"{name!r}; use an IANA name such as Europe/Berlin") from error


def _instant(text: str, field: str, zone: ZoneInfo, *, end_of_day: bool) -> datetime:
    try:
        if len(text) == len("2026-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1 if end_of_day else 0)
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Rejected(
            Refusal.BAD_RANGE, f"`{field}` {text!r} is not an ISO 8601 date or time, such as 2026-01-31"
        ) from error

"""What a report is asked for: when it comes, to whom, and which days it tells of."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from shared.notifications import Language
from shared.query.period import Period, parse_period, zone_of
from shared.query.zone import timezone_or_own
from shared.recipients import Addresses, Name
from shared.refusals import Refusal, Rejected
from shared.timers.schedule import Schedule, parse_schedule

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_SHORTEST = timedelta(hours=1)


class ReportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A report on the day before it comes, or on the seven days before where it comes weekly.

    `hour` is when it comes in `timezone`, else in the project's (daily, weekly), `weekday` on which day (weekly),
    `cron` a line of five fields instead of both (cron). Besides `emails`, webhooks that subscribe to
    `report.ready` get it.
    """

    name: Name
    schedule: Literal["daily", "weekly", "cron"] = "daily"
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 8
    weekday: Weekday = "monday"
    cron: str = ""
    timezone: str | None = None
    emails: Addresses = []
    language: Language = "en"

    def checked(self) -> "ReportRequest":
        """The same with its timezone, and a schedule that cannot be refused (`bad_schedule`, `bad_timezone`)."""
        if bool(self.cron) != (self.schedule == "cron"):
            raise Rejected(Refusal.BAD_SCHEDULE, "`cron` goes with the schedule `cron`, and only with it")
        self.timer()
        return msgspec.structs.replace(self, timezone=self.zone)

    def timer(self) -> Schedule:
        """When it comes; refuses a cron line that is none or comes more often than each hour."""
        lines = {"daily": f"0 {self.hour} * * *", "weekly": f"0 {self.hour} * * {self.weekday[:3]}", "cron": self.cron}
        return parse_schedule(lines[self.schedule], self.zone, shortest=_SHORTEST)

    @property
    def zone(self) -> str:
        """The zone its hour and its days are in."""
        return timezone_or_own(self.timezone)

    @property
    def days(self) -> int:
        """How many days it tells of."""
        return 7 if self.schedule == "weekly" else 1

    def last_day(self, due: datetime) -> date:
        """The last whole day before a moment, as the zone has days."""
        return due.astimezone(zone_of(self.zone)).date() - timedelta(days=1)

    def period(self, due: datetime, *, days_earlier: int = 0) -> Period:
        """The days it tells of when it comes at `due`, or as many days, so many days earlier."""
        last = self.last_day(due) - timedelta(days=days_earlier)
        first = last - timedelta(days=self.days - 1)
        return parse_period(first.isoformat(), last.isoformat(), self.zone)

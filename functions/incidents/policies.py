"""What a policy says: who is told of an incident, after how long, and at which hours nobody is."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from shared.notifications import Language
from shared.query.durations import Duration, seconds
from shared.query.period import zone_of
from shared.recipients import Addresses, Name
from shared.refusals import Refusal, Rejected
from shared.timers.schedule import Schedule

Severity = Literal["info", "warning", "error", "critical"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["22:00"])]

_WEEK: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_CHANNELS = 10
_LONGEST = timedelta(days=7)
_SHORTEST_WAIT = timedelta(minutes=1)
_SHORTEST_REPEAT = timedelta(minutes=5)
_MOST_STEPS = 10
_MOST_SPANS = 14
# A chain of quiet spans longer than all there are would never end.
_MOST_HOPS = 2 * _MOST_SPANS * len(_WEEK)
_SOME_DAY = datetime(2026, 1, 12, tzinfo=UTC)


class PolicyStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whom a step tells, how long `after` the step before it (the first: after the opening), and how often `repeat`ed.

    It is repeated until the next step comes or somebody acknowledges; null for never.
    """

    emails: Addresses = []
    channels: Annotated[list[uuid.UUID], msgspec.Meta(max_length=_MOST_CHANNELS)] = []
    after: Duration = "0m"
    repeat: Duration | None = None

    @property
    def wait(self) -> timedelta:
        """`after` as a span of time."""
        return timedelta(seconds=seconds(self.after))

    @property
    def pause(self) -> timedelta | None:
        """`repeat` as a span of time."""
        return timedelta(seconds=seconds(self.repeat)) if self.repeat is not None else None


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from"}):
    """Hours that begin at `from` on these days and end at the next `to`, which may be on the day after."""

    days: Annotated[list[Weekday], msgspec.Meta(min_length=1, max_length=7)] = msgspec.field(
        default_factory=lambda: list(_WEEK)
    )
    start: TimeOfDay
    to: TimeOfDay

    def until(self, now: datetime, timezone: str) -> datetime | None:
        """When it is over, where it is on; as the clocks of the zone say, also on the days they change."""
        begun = Schedule(_cron(self.start, ",".join(self.days)), timezone).previous(now + timedelta(microseconds=1))
        end = Schedule(_cron(self.to, "*"), timezone).next(begun)
        return end if end > now else None


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When nobody is told of incidents of these severities; what is still open at the end is told then."""

    timezone: str
    spans: Annotated[list[Quiet], msgspec.Meta(min_length=1, max_length=_MOST_SPANS)]
    severities: Annotated[list[Severity], msgspec.Meta(min_length=1, max_length=4)] = msgspec.field(
        default_factory=lambda: ["info", "warning"]
    )

    def until(self, severity: Severity, now: datetime) -> datetime | None:
        """The first moment at which somebody may be told, None where that is now."""
        return self._end(now) if severity in self.severities else None

    def check(self) -> None:
        """Refuse an unknown zone (`bad_timezone`), and hours that never end (`bad_range`)."""
        zone_of(self.timezone)
        for day in range(len(_WEEK)):
            self._end(_SOME_DAY + timedelta(days=day))

    def _end(self, now: datetime) -> datetime | None:
        until = now
        for _ in range(_MOST_HOPS):
            ends = [end for one in self.spans if (end := one.until(until, self.timezone))]
            if not ends:
                return until if until > now else None
            until = max(ends)
        raise Rejected(Refusal.BAD_RANGE, "the quiet hours leave no hour of the week in which anybody is told")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told of the incidents of the rules that name it, in `language` (channels have a language of their own)."""

    name: Name
    steps: Annotated[list[PolicyStep], msgspec.Meta(min_length=1, max_length=_MOST_STEPS)]
    quiet_hours: QuietHours | None = None
    language: Language = "en"

    def checked(self) -> "Policy":
        """The same, with all refused that can be without the catalog."""
        for number, step in enumerate(self.steps, 1):
            if not step.emails and not step.channels:
                raise Rejected(Refusal.BAD_REQUEST, f"step {number} tells nobody: give it `emails` or `channels`")
            if step.wait > _LONGEST or (number > 1 and step.wait < _SHORTEST_WAIT):
                raise Rejected(Refusal.BAD_RANGE, f"`after` of step {number} is {step.after}; it takes 1m to 7d")
            if step.pause is not None and not _SHORTEST_REPEAT <= step.pause <= _LONGEST:
                raise Rejected(Refusal.BAD_RANGE, f"`repeat` of step {number} is {step.repeat}; it takes 5m to 7d")
        if self.quiet_hours is not None:
            self.quiet_hours.check()
        return self

    @property
    def channels(self) -> list[uuid.UUID]:
        """Every channel it names."""
        return list(dict.fromkeys(channel for step in self.steps for channel in step.channels))

    def quiet_until(self, severity: Severity, now: datetime) -> datetime | None:
        """When its quiet hours are over for incidents of that severity; None where there are none now."""
        return self.quiet_hours.until(severity, now) if self.quiet_hours is not None else None


def _cron(time: str, days: str) -> str:
    hour, _, minute = time.partition(":")
    return f"{int(minute)} {int(hour)} * * {days}"

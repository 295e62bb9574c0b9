"""What a report is asked for: what it says, when it comes, to whom, and which days it tells of."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Literal, get_args

import msgspec

from functions.report_run.results import Format
from shared.notifications import Language
from shared.query.filters import Filter
from shared.query.measures import measure
from shared.query.period import Period, parse_period, zone_of
from shared.query.zone import timezone_or_own
from shared.recipients import Addresses, Name
from shared.refusals import Refusal, Rejected
from shared.saved_queries import NAMES_PEOPLE, Last, Widget, days_of
from shared.timers.schedule import Schedule, parse_schedule

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
BuiltIn = Literal[
    "overview",
    "dau",
    "wau",
    "mau",
    "stickiness",
    "revenue",
    "retention",
    "top-events",
    "top-pages",
    "top-sources",
    "quality",
]
BUILT_INS: tuple[BuiltIn, ...] = get_args(BuiltIn)
OVERVIEW, CUSTOM = "overview", "custom"
# Of how many days a report is that says nothing else; the overview's follow from its schedule.
DEFAULT_LAST: Mapping[str, str] = MappingProxyType({"retention": "12w"})
_LAST = "30d"
_SHORTEST = timedelta(hours=1)
_MOST_PARTS = 30
_MOST_CHANNELS = 10
_MOST_FILTERS = 50
_WEEK = 7
# Their values are people: a report is kept, mailed and shared, so it holds totals only.
_IDS = frozenset({"user_id", "anonymous_id", "session_id", "event_id", "client_id", "person"})


class ReportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a built-in report counts: these events (all), with these filters; `measure` is what revenue adds up."""

    events: Annotated[list[Annotated[str, msgspec.Meta(max_length=200)]], msgspec.Meta(max_length=100)] = []
    filters: Annotated[list[Filter], msgspec.Meta(max_length=_MOST_FILTERS)] = []
    measure: Annotated[str, msgspec.Meta(max_length=200)] = "sum:revenue"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10


class ReportRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A report: a built-in one, the parts of a dashboard, or parts of its own, in the shape of a dashboard's widgets.

    It is of the whole days before it comes: the overview of one, weekly of seven; every other one, and parts without
    days of their own, of the `last` 30d. `hour` is when it comes in `timezone`, else in the project's (daily, weekly),
    `weekday` on which day (weekly), `cron` a line of five fields instead of both (cron); `none` never comes by itself.
    `emails` get it as a mail with its charts and the files to `attach`, `channels` as a message; besides, webhooks that
    subscribe to `report.ready` get it.
    """

    name: Name
    report: BuiltIn | Literal["custom"] = "overview"
    options: ReportOptions = ReportOptions()
    parts: Annotated[list[Widget], msgspec.Meta(max_length=_MOST_PARTS)] = []
    dashboard_id: uuid.UUID | None = None
    last: Last = ""
    schedule: Literal["daily", "weekly", "cron", "none"] = "daily"
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 8
    weekday: Weekday = "monday"
    cron: str = ""
    timezone: str | None = None
    emails: Addresses = []
    channels: Annotated[list[uuid.UUID], msgspec.Meta(max_length=_MOST_CHANNELS)] = []
    attach: Annotated[list[Format], msgspec.Meta(max_length=5)] = []
    language: Language = "en"

    def checked(self) -> "ReportRequest":
        """The same with its timezone, whose schedule and contents cannot be refused.

        Refuses a bad schedule (`bad_schedule`, `bad_timezone`), range (`bad_range`), measure (`bad_measure`), and
        contents that do not fit together (`bad_request`). Whether its queries can be answered only their functions say.
        """
        if bool(self.cron) != (self.schedule == "cron"):
            raise Rejected(Refusal.BAD_SCHEDULE, "`cron` goes with the schedule `cron`, and only with it")
        self.timer()
        self._check_contents()
        return msgspec.structs.replace(self, timezone=self.zone)

    def timer(self) -> Schedule | None:
        """When it comes; None where never by itself. Refuses a cron line that is none or too frequent."""
        if self.schedule == "none":
            zone_of(self.zone)
            return None
        lines = {"daily": f"0 {self.hour} * * *", "weekly": f"0 {self.hour} * * {self.weekday[:3]}", "cron": self.cron}
        return parse_schedule(lines[self.schedule], self.zone, shortest=_SHORTEST)

    @property
    def zone(self) -> str:
        """The zone its hour and its days are in."""
        return timezone_or_own(self.timezone)

    @property
    def days(self) -> int:
        """How many days it tells of."""
        if self.report == OVERVIEW:
            return _WEEK if self.schedule == "weekly" else 1
        return days_of(self.last or DEFAULT_LAST.get(self.report, _LAST))

    def last_day(self, due: datetime) -> date:
        """The last whole day before a moment, as the zone has days."""
        return due.astimezone(zone_of(self.zone)).date() - timedelta(days=1)

    def period(self, due: datetime, *, days_earlier: int = 0) -> Period:
        """The days it tells of when it comes at `due`, or as many days, so many days earlier."""
        last = self.last_day(due) - timedelta(days=days_earlier)
        first = last - timedelta(days=self.days - 1)
        return parse_period(first.isoformat(), last.isoformat(), self.zone)

    def range_of(self, due: datetime, last: str = "") -> dict[str, str]:
        """The range of a query of it, in days of its zone: `last` so many, else the report's."""
        end = self.last_day(due)
        days = days_of(last) if last else self.days
        start = end - timedelta(days=days - 1)
        return {"from": start.isoformat(), "to": end.isoformat(), "timezone": self.zone}

    def _check_contents(self) -> None:
        custom = self.report == CUSTOM
        if custom != bool(self.parts or self.dashboard_id):
            raise _bad("`parts` or `dashboard_id` go with the report `custom`, and it needs one of them")
        if self.parts and self.dashboard_id:
            raise _bad("give `parts` or `dashboard_id`, not both")
        if self.last and self.report == OVERVIEW:
            raise _bad("`last`: the overview is of the day before, weekly of seven; another report takes it")
        if custom and self.options != ReportOptions():
            raise _bad("`options` are a built-in report's; a part's query says itself what it counts")
        if len(set(self.attach)) < len(self.attach):
            raise _bad("`attach` names a format twice")
        measure(self.options.measure)
        parse_period("2020-01-06", "2020-01-06", self.zone)
        self.range_of(_ANY_DAY)
        check_parts(self.parts)


def check_parts(parts: list[Widget]) -> None:
    """Refuse parts that a report cannot show, naming the first (`bad_request`)."""
    if len({part.id for part in parts}) < len(parts):
        raise _bad("two parts have the same `id`")
    for part in parts:
        if part.definition_id and part.inline:
            raise _bad(f"the part {part.id} has a definition and a query of its own: give one")
        if not (part.definition_id or part.inline or part.text or part.title):
            raise _bad(f"the part {part.id} is empty: give a definition, a query, or a text")
        if part.inline is not None:
            check_totals(part.id, part.inline.kind, part.inline.query)


def check_totals(part: str, kind: str, query: Mapping[str, object]) -> None:
    """Refuse a query whose answer names people: a report is kept and sent, so it holds totals."""
    if kind in NAMES_PEOPLE:
        raise _bad(f"the part {part} lists whole events, which name people; a report holds totals")
    by = query.get("by") or query.get("group_by") or []
    names = {str(one) for one in by} if isinstance(by, list) else {str(by)}
    if found := sorted(names & _IDS):
        raise _bad(f"the part {part} breaks down by {found[0]}, which names people; a report holds totals")


_ANY_DAY = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


def _bad(detail: str) -> Rejected:
    return Rejected(Refusal.BAD_REQUEST, detail)

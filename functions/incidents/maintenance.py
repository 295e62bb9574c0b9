"""Maintenance windows: spans in which nobody is told of a project's incidents, or of some rules' only."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from shared.query.period import parse_period, zone_of
from shared.recipients import Name
from shared.refusals import Refusal, Rejected
from shared.timers.schedule import Schedule

_MOST_RULES = 100
_LONGEST = timedelta(days=31)
_WEEK = timedelta(days=7)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_HOPS = 50


class WindowRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from"}):
    """From when until when, for the rules of these ids or for all; `weekly`: again each week at these times of day.

    Times without an offset are in `timezone`.
    """

    name: Name
    start: str
    to: str
    timezone: str = "UTC"
    weekly: bool = False
    rules: Annotated[list[uuid.UUID], msgspec.Meta(max_length=_MOST_RULES)] = []

    def span(self) -> tuple[datetime, datetime]:
        """The first of its spans, UTC; refuses one that is empty, too long or not in whole minutes (`bad_range`)."""
        period = parse_period(self.start, self.to, self.timezone)
        longest = _WEEK if self.weekly else _LONGEST
        if any(moment.second or moment.microsecond for moment in (period.start, period.end)):
            raise Rejected(Refusal.BAD_RANGE, "`from` and `to` of a maintenance window are whole minutes")
        if period.end - period.start > longest:
            raise Rejected(Refusal.BAD_RANGE, f"a maintenance window lasts at most {longest.days} days")
        return period.start, period.end


class Window(msgspec.Struct, frozen=True):
    """A row of `maintenance_windows`; without `rules` it is about all of the project's."""

    id: uuid.UUID
    project_id: uuid.UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    weekly: bool
    rules: list[uuid.UUID]
    created_at: datetime
    updated_at: datetime

    def until(self, now: datetime) -> datetime | None:
        """When it is over, where it is on."""
        if now < self.starts_at:
            return None
        if not self.weekly:
            return self.ends_at if now < self.ends_at else None
        begun = self._moment(self.starts_at).previous(now + timedelta(microseconds=1))
        end = self._moment(self.ends_at).next(begun)
        return end if end > now else None

    def about(self, rule_id: uuid.UUID | None) -> bool:
        """Whether it is about a rule's incidents."""
        return not self.rules or rule_id in self.rules

    def _moment(self, at: datetime) -> Schedule:
        local = at.astimezone(zone_of(self.timezone))
        return Schedule(f"{local.minute} {local.hour} * * {_DAYS[local.weekday()]}", self.timezone)


def maintained_until(windows: Iterable[Window], rule_id: uuid.UUID | None, now: datetime) -> datetime | None:
    """When the maintenance of a rule is over, windows that follow on each other included; None where there is none."""
    mine, until = [one for one in windows if one.about(rule_id)], now
    for _ in range(_MOST_HOPS):
        ends = [end for one in mine if (end := one.until(until))]
        if not ends:
            break
        until = max(ends)
    return until if until > now else None

"""What an alert rule says: what is counted over which window, and when that is reason to tell somebody."""

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from functions.alert_evaluate.conditions import (
    Absence,
    Composite,
    Condition,
    Funnel,
    Need,
    RuleQuery,
    Steps,
    Threshold,
    Value,
    Verdict,
)
from functions.alert_evaluate.words import described
from shared.notifications import Language
from shared.query.counting import count_sql
from shared.query.fields import SEGMENT, SEGMENT_PREFIX, field
from shared.query.funnel.question import FunnelQuery
from shared.query.period import Period, zone_of
from shared.query.planner import Source, Wanted
from shared.recipients import Addresses, Name
from shared.refusals import Refusal, Rejected

LONGEST_WINDOW = timedelta(days=31)
LONGEST_HOLD = timedelta(days=1)
# Windows so short may be judged before they end; see functions/alert_evaluate/arrival.py.
QUICK_WINDOW = timedelta(minutes=15)
# What more events can only raise.
_RISING = frozenset({"count", "sessions", "event_types"})
# Where a rule's groups stand is kept, and told: nothing that an erasure would have to look for.
_OF_ONE = frozenset({"user_id", "anonymous_id", "session_id", "event_id", "client_id", "ip"})
_MOST_WEBHOOKS = 10
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_CHECKED_AT = datetime(2026, 1, 1, tzinfo=UTC)

Severity = Literal["info", "warning", "error", "critical"]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}[mhd]$", examples=["5m", "1h", "1d"])]


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told, besides webhooks and channels that subscribe to `alert.firing` and `alert.resolved`.

    `webhooks` are ids of webhooks and of channels.
    """

    emails: Addresses = []
    webhooks: Annotated[list[uuid.UUID], msgspec.Meta(max_length=_MOST_WEBHOOKS)] = []
    language: Language = "en"


class GroupedQuery(RuleQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is counted, and by which field: then each of the `top` largest groups is judged for itself."""

    group_by: str | None = None
    top: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10


class Rule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"hold": "for"}, omit_defaults=False
):
    """A rule as its caller writes it. The condition must hold `for` so long before anybody is told.

    Of a window with fewer than `min_volume` events of the query nothing is concluded: the condition does not hold. Of a
    funnel it is people who began. With a `policy` incidents are told of as that says, and `notify` is not asked.
    """

    name: Name
    query: GroupedQuery
    window: Duration
    condition: Condition
    hold: Duration = "0m"
    severity: Severity = "warning"
    min_volume: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    policy: uuid.UUID | None = None
    notify: Notify = Notify()

    def checked(self) -> "Rule":
        """The same, with all that can be refused refused: durations, measure, fields, filters, steps."""
        if not timedelta() < span(self.window) <= LONGEST_WINDOW:
            raise Rejected(Refusal.BAD_RANGE, f"`window` {self.window} is not from 1m to {LONGEST_WINDOW.days}d")
        if span(self.hold) > LONGEST_HOLD:
            raise Rejected(Refusal.BAD_RANGE, f"`for` {self.hold} is longer than 1d")
        self.condition.check(span(self.window))
        if self.min_volume and isinstance(self.condition, Absence):
            raise Rejected(Refusal.BAD_REQUEST, "an absence has no `min_volume`: it is about nothing at all")
        self._check_groups()
        for need in self.needs():
            self._check_need(need)
        return self

    def _check_groups(self) -> None:
        name = self.query.group_by
        if name is None:
            return
        if name == SEGMENT or name.startswith(SEGMENT_PREFIX):
            raise Rejected(Refusal.UNKNOWN_FIELD, "`group_by`: a rule has no groups by segment; make a rule of each")
        field(name)
        if name in _OF_ONE:
            raise Rejected(Refusal.UNKNOWN_FIELD, f"`group_by`: {name} is somebody's own; rules have groups of many")
        if any(need.funnel or need.windows > 1 for need in self.needs()):
            raise Rejected(
                Refusal.BAD_REQUEST, "`group_by` goes with neither a funnel nor `method` seasonal: make a rule a group"
            )

    def _check_need(self, need: Need) -> None:
        nobody = uuid.UUID(int=0)
        if need.funnel is None:
            count_sql(Source(self.wanted(need, nobody, _CHECKED_AT)))
            return
        if need.query.events or need.query.measure != "count":
            raise Rejected(
                Refusal.BAD_REQUEST,
                "a funnel's events are those of its `steps`, and people are counted: leave `events` and"
                " `measure` out of its query",
            )
        asked = self.funnel(need.funnel, need, _CHECKED_AT)
        asked.check()
        Source(Wanted(nobody, self.period(_CHECKED_AT), (), asked.filters, "users")).check()

    def period(self, end: datetime) -> Period:
        """The window that ends there."""
        return Period(end - span(self.window), end, zone_of("UTC"))

    def needs(self) -> list[Need]:
        """The numbers the rule is judged by, in the order `judge` takes them."""
        found = self.condition.needs(self.query, span(self.window))
        if self.min_volume and not isinstance(self.condition, Funnel):
            found.append(Need(RuleQuery(events=self.query.events, filters=self.query.filters)))
        return found

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        """Whether the condition holds for these numbers; `firing`: the rule fires already."""
        if not self.min_volume:
            return self._judge(numbers, firing=firing)
        if isinstance(self.condition, Funnel):
            verdict, volume = self._judge(numbers, firing=firing), numbers[0]
        else:
            verdict, volume = self._judge(numbers[:-1], firing=firing), numbers[-1]
        return verdict if (volume or 0) >= self.min_volume else verdict._replace(holds=False)

    def _judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        if isinstance(self.condition, Composite):
            return self.condition.judge(numbers, firing=firing, window=span(self.window))
        return self.condition.judge(numbers, firing=firing)

    def wanted(self, need: Need, project_id: uuid.UUID, end: datetime) -> Wanted:
        """What one of its numbers is read from."""
        asked, window = need.query, span(self.window)
        last = end - need.back
        period = Period(last - need.windows * window, last, zone_of("UTC"))
        groups = () if self.query.group_by is None else (self.query.group_by,)
        return Wanted(project_id, period, asked.events, asked.filters, asked.measure, groups)

    def funnel(self, asked: Steps, need: Need, end: datetime) -> FunnelQuery:
        """The funnel that two of its numbers are read from."""
        period = self.period(end - need.back)
        return FunnelQuery(
            start=period.start.isoformat(),
            end=period.end.isoformat(),
            timezone="UTC",
            steps=asked.steps,
            window=asked.within,
            order=asked.order,
            ties=asked.ties,
            filters=need.query.filters,
        )

    @property
    def quick(self) -> bool:
        """Whether events can decide a window before it ends: its number can only grow, over a mark or from nothing."""
        condition = self.condition
        rising = self.query.measure in _RISING and self.query.group_by is None
        if not rising or span(self.window) > QUICK_WINDOW or span(self.hold) or any(self._personal()):
            return False
        return isinstance(condition, Absence) or (
            isinstance(condition, Threshold) and condition.op in {"gt", "gte", "lt", "lte"}
        )

    def _personal(self) -> Iterator[bool]:
        for need in self.needs():
            yield need.funnel is not None or self.wanted(need, uuid.UUID(int=0), _CHECKED_AT).personal

    @property
    def heavy(self) -> bool:
        """Whether to judge it takes a while."""
        return any(need.windows > 1 for need in self.needs())

    def described(self) -> str:
        """The rule in one line, in the language of its mails: `count of signup over 5m < 10`."""
        return described(self.condition, self.query, self.window, self.notify.language, self.query.group_by)


def span(text: str) -> timedelta:
    """A duration such as 5m as a span of time."""
    found = re.fullmatch(r"([0-9]+)([mhd])", text)
    if found is None:
        raise Rejected(Refusal.BAD_REQUEST, f"{text!r} is not a duration such as 5m, 1h or 1d")
    return int(found[1]) * _UNITS[found[2]]

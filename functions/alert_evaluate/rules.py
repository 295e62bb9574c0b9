"""What an alert rule says: what is counted over which window, and when that is reason to tell somebody."""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec

from functions.alert_evaluate.conditions import Absence, Condition, Need, RuleQuery, Value, Verdict
from functions.alert_evaluate.words import described
from shared.notifications import Language
from shared.query.counting import count_sql
from shared.query.identity import Identity
from shared.query.period import Period, zone_of
from shared.query.planner import Source, Wanted
from shared.recipients import Addresses, Name
from shared.refusals import Refusal, Rejected

LONGEST_WINDOW = timedelta(days=31)
LONGEST_HOLD = timedelta(days=1)
_MOST_WEBHOOKS = 10
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

Severity = Literal["info", "warning", "error", "critical"]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}[mhd]$", examples=["5m", "1h", "1d"])]


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told, besides webhooks and channels that subscribe to `alert.firing` and `alert.resolved`.

    `webhooks` are ids of webhooks and of channels.
    """

    emails: Addresses = []
    webhooks: Annotated[list[uuid.UUID], msgspec.Meta(max_length=_MOST_WEBHOOKS)] = []
    language: Language = "en"


class Rule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"hold": "for"}, omit_defaults=False
):
    """A rule as its caller writes it. The condition must hold `for` so long before anybody is told.

    Of a window with fewer than `min_volume` events of the query nothing is concluded: the condition does not hold.
    """

    name: Name
    query: RuleQuery
    window: Duration
    condition: Condition
    hold: Duration = "0m"
    severity: Severity = "warning"
    min_volume: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    notify: Notify = Notify()

    def checked(self) -> "Rule":
        """The same, with all that can be refused refused: durations, measure, fields, filters."""
        if not timedelta() < span(self.window) <= LONGEST_WINDOW:
            raise Rejected(Refusal.BAD_RANGE, f"`window` {self.window} is not from 1m to {LONGEST_WINDOW.days}d")
        if span(self.hold) > LONGEST_HOLD:
            raise Rejected(Refusal.BAD_RANGE, f"`for` {self.hold} is longer than 1d")
        self.condition.check()
        if self.min_volume and isinstance(self.condition, Absence):
            raise Rejected(Refusal.BAD_REQUEST, "an absence has no `min_volume`: it is about nothing at all")
        for need in self.needs():
            self.sql(need, uuid.UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC))
        return self

    def period(self, end: datetime) -> Period:
        """The window that ends there."""
        return Period(end - span(self.window), end, zone_of("UTC"))

    def needs(self) -> list[Need]:
        """The numbers the rule is judged by, in the order `judge` takes them."""
        found = self.condition.needs(self.query, span(self.window))
        if self.min_volume:
            found.append(Need(RuleQuery(events=self.query.events, filters=self.query.filters)))
        return found

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        """Whether the condition holds for these numbers; `firing`: the rule fires already."""
        if not self.min_volume:
            return self.condition.judge(numbers, firing=firing)
        verdict = self.condition.judge(numbers[:-1], firing=firing)
        return verdict if (numbers[-1] or 0) >= self.min_volume else verdict._replace(holds=False)

    def wanted(self, need: Need, project_id: uuid.UUID, end: datetime) -> Wanted:
        """What one of its numbers is read from."""
        asked = need.query
        return Wanted(project_id, self.period(end - need.back), asked.events, asked.filters, asked.measure)

    def sql(
        self, need: Need, project_id: uuid.UUID, end: datetime, identity: Identity | None = None
    ) -> tuple[str, dict[str, object]]:
        """The SQL of one of its numbers and its bound parameters; with `identity` it is known who is who."""
        return count_sql(Source(self.wanted(need, project_id, end), identity=identity))

    def described(self) -> str:
        """The rule in one line, in the language of its mails: `count of signup over 5m < 10`."""
        return described(self.condition, self.query, self.window, self.notify.language)


def span(text: str) -> timedelta:
    """A duration such as 5m as a span of time."""
    found = re.fullmatch(r"([0-9]+)([mhd])", text)
    if found is None:
        raise Rejected(Refusal.BAD_REQUEST, f"{text!r} is not a duration such as 5m, 1h or 1d")
    return int(found[1]) * _UNITS[found[2]]

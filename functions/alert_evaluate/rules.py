"""What an alert rule says: what is counted over which window, and when that is reason to tell somebody."""

import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, assert_never

import msgspec

from shared.notifications import Language
from shared.query.counting import count_sql
from shared.query.filters import Filter
from shared.query.identity import Identity
from shared.query.period import Period, zone_of
from shared.query.planner import Source, Wanted
from shared.recipients import Addresses, Name
from shared.refusals import Refusal, Rejected

Op = Literal["gt", "gte", "lt", "lte", "eq", "ne"]
LONGEST_WINDOW = timedelta(days=31)
LONGEST_HOLD = timedelta(days=1)
_MOST_WEBHOOKS = 10
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}

Duration = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,4}[mhd]$", examples=["5m", "1h", "1d"])]


class RuleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is counted: the body of a count without its range, which is the rule's window."""

    events: list[str] = []
    filters: list[Filter] = []
    measure: str = "count"


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="threshold"):
    """Holds while the number compares so with `value`; where there is no number to compare, it does not."""

    op: Op
    value: float


class Absence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="absence"):
    """Holds while the window has nothing of it: the number is 0, or there is none."""


class Notify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who is told, besides the project's webhooks that subscribe to `alert.firing` and `alert.resolved`."""

    emails: Addresses = []
    webhooks: Annotated[list[uuid.UUID], msgspec.Meta(max_length=_MOST_WEBHOOKS)] = []
    language: Language = "en"


class Rule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"hold": "for"}, omit_defaults=False
):
    """A rule as its caller writes it. The condition must hold `for` so long before anybody is told."""

    name: Name
    query: RuleQuery
    window: Duration
    condition: Threshold | Absence
    hold: Duration = "0m"
    notify: Notify = Notify()

    def checked(self) -> "Rule":
        """The same, with all that can be refused refused: durations, measure, fields, filters."""
        if not timedelta() < span(self.window) <= LONGEST_WINDOW:
            raise Rejected(Refusal.BAD_RANGE, f"`window` {self.window} is not from 1m to {LONGEST_WINDOW.days}d")
        if span(self.hold) > LONGEST_HOLD:
            raise Rejected(Refusal.BAD_RANGE, f"`for` {self.hold} is longer than 1d")
        self.sql(uuid.UUID(int=0), datetime(2026, 1, 1, tzinfo=UTC))
        return self

    def period(self, end: datetime) -> Period:
        """The window that ends there."""
        return Period(end - span(self.window), end, zone_of("UTC"))

    def wanted(self, project_id: uuid.UUID, end: datetime) -> Wanted:
        """What the rule's number is read from."""
        asked = self.query
        return Wanted(project_id, self.period(end), asked.events, asked.filters, asked.measure)

    def sql(
        self, project_id: uuid.UUID, end: datetime, identity: Identity | None = None
    ) -> tuple[str, dict[str, object]]:
        """The SQL of the rule's number and its bound parameters; with `identity` it is known who is who."""
        return count_sql(Source(self.wanted(project_id, end), identity=identity))

    def holds(self, value: float | None) -> bool:
        """Whether the condition holds for a number."""
        match self.condition:
            case Absence():
                return not value
            case Threshold(op=op, value=wanted):
                return value is not None and _compare(op, value, wanted)
            case _:
                assert_never(self.condition)

    def described(self) -> str:
        """The rule in one line, in the language of its mails: `count of signup over 5m < 10`."""
        of, where, over = _WORDS[self.notify.language]
        asked = self.query
        what = asked.measure + (f" {of} {', '.join(asked.events[:_MOST_NAMES])}" if asked.events else "")
        if asked.filters:
            what += f" {where} {', '.join(one.property for one in asked.filters[:_MOST_NAMES])}"
        sign, value = "=", 0.0
        if isinstance(self.condition, Threshold):
            sign, value = _SIGNS[self.condition.op], self.condition.value
        return f"{what} {over} {self.window} {sign} {value:g}"


_MOST_NAMES = 5
_WORDS: dict[Language, tuple[str, str, str]] = {"en": ("of", "by", "over"), "ru": ("по", "где", "за")}
_SIGNS = {"gt": ">", "gte": "≥", "lt": "<", "lte": "≤", "eq": "=", "ne": "≠"}


def span(text: str) -> timedelta:
    """A duration such as 5m as a span of time."""
    found = re.fullmatch(r"([0-9]+)([mhd])", text)
    if found is None:
        raise Rejected(Refusal.BAD_REQUEST, f"{text!r} is not a duration such as 5m, 1h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def _compare(op: Op, value: float, wanted: float) -> bool:
    match op:
        case "gt":
            return value > wanted
        case "gte":
            return value >= wanted
        case "lt":
            return value < wanted
        case "lte":
            return value <= wanted
        case "eq":
            return value == wanted
        case "ne":
            return value != wanted
        case _:
            assert_never(op)

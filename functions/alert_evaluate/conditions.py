"""The conditions of alert rules: which numbers each is judged by, and whether it holds for them. Plain values.

A condition of a rule that fires may be held to another mark (`recover`), so that a number that swings around a
threshold does not fire again and again.
"""

import math
import statistics
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, NamedTuple, assert_never

import msgspec

from functions.alert_evaluate import season
from shared.query.durations import Duration, seconds
from shared.query.filters import Filter
from shared.query.funnel.question import MAX_STEPS, MIN_STEPS, Order, Step, Ties
from shared.refusals import Refusal, Rejected

Op = Literal["gt", "gte", "lt", "lte", "eq", "ne"]
Direction = Literal["up", "down", "either"]
Value = float | None

WEEK = timedelta(days=7)
_BACK = {"day": timedelta(days=1), "week": WEEK}
_MOST_PARTS = 5
_DAY = timedelta(days=1)
_SHORTEST_OF_SEASONS = timedelta(hours=1)
# A week of which there are not more than two is not taken for a season.
_FEWEST_WEEKS = 3
# What people may take from the first step of a rule's funnel to its last: the rule waits for that long.
LONGEST_WITHIN = timedelta(days=31)


class RuleQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is counted: the body of a count without its range, which is the rule's window."""

    events: list[str] = []
    filters: list[Filter] = []
    measure: str = "count"


class Steps(msgspec.Struct, frozen=True):
    """The steps of a funnel and how it is counted; see Funnel."""

    steps: list[Step]
    within: Duration
    order: Order
    ties: Ties


class Need(NamedTuple):
    """A number that is asked for: of the window that ended `back` before the one that is judged.

    With `windows` it is as many numbers: those of the windows in a row that end there, the oldest first. With a
    `funnel` it is two: how many began in the window, and how many of them came through.
    """

    query: RuleQuery
    back: timedelta = timedelta()
    windows: int = 1
    funnel: Steps | None = None

    @property
    def width(self) -> int:
        """How many numbers it is."""
        return self.windows if self.funnel is None else 2


class Verdict(NamedTuple):
    """Whether a condition holds, and the number that people are shown for it."""

    holds: bool
    value: Value


class _Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """`needs` names numbers, `judge` gets them in that order; `firing`: it held the last time it was known."""

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        del window
        return [Need(query)]

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        raise NotImplementedError

    def check(self, window: timedelta) -> None:
        """Refuse what could never be meant of windows so long (`bad_request`, `bad_range`)."""


class Threshold(_Condition, frozen=True, kw_only=True, tag="threshold"):
    """Holds while the number compares so with `value`; where there is no number to compare, it does not."""

    op: Op
    value: float
    recover: float | None = None

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        return Verdict(_beyond(self.op, numbers[0], self.value, self.recover, firing=firing), numbers[0])

    def check(self, window: timedelta) -> None:
        del window
        _check_recover(self.op, self.value, self.recover)


class Absence(_Condition, frozen=True, kw_only=True, tag="absence"):
    """Holds while the window has nothing of it: the number is 0, or there is none."""

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        del firing
        return Verdict(not numbers[0], numbers[0])


class Change(_Condition, frozen=True, kw_only=True, tag="change"):
    """Holds while the number differs by `value` percent from the window before, a day or a week earlier.

    Where there was nothing, anything is a rise without bounds.
    """

    value: Annotated[float, msgspec.Meta(gt=0)]
    direction: Direction = "either"
    against: Literal["previous", "day", "week"] = "previous"
    recover: Annotated[float, msgspec.Meta(gt=0)] | None = None

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        return [Need(query), Need(query, _BACK.get(self.against, window))]

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        percent = _percent(numbers[0] or 0.0, numbers[1] or 0.0)
        size = {"up": percent, "down": -percent, "either": abs(percent)}[self.direction]
        holds = _beyond("gte", size, self.value, self.recover, firing=firing)
        return Verdict(holds, percent if math.isfinite(percent) else None)

    def check(self, window: timedelta) -> None:
        del window
        _check_recover("gte", self.value, self.recover)


class Rate(_Condition, frozen=True, kw_only=True, tag="rate"):
    """Holds while the number, less that of the window before, compares so with `value`: how fast it grows a window."""

    op: Op
    value: float

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        return [Need(query), Need(query, window)]

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        grown = (numbers[0] or 0.0) - (numbers[1] or 0.0)
        return Verdict(_beyond(self.op, grown, self.value, None, firing=firing), grown)


class Ratio(_Condition, frozen=True, kw_only=True, tag="ratio"):
    """Holds while the number, as a share of that of `of`, compares so with `value`; of nothing there is no share."""

    of: RuleQuery
    op: Op
    value: float
    recover: float | None = None

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        del window
        return [Need(query), Need(self.of)]

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        share = (numbers[0] or 0.0) / numbers[1] if numbers[1] else None
        return Verdict(_beyond(self.op, share, self.value, self.recover, firing=firing), share)

    def check(self, window: timedelta) -> None:
        del window
        _check_recover(self.op, self.value, self.recover)


class Funnel(_Condition, frozen=True, kw_only=True, tag="funnel"):
    """Holds while a funnel's conversion, first step to last, compares so with `value`; of nobody there is none.

    Those are judged who began in the rule's window, each of whom had `within` to come through: the window that is
    judged ended so long ago.
    """

    steps: Annotated[list[Step], msgspec.Meta(min_length=MIN_STEPS, max_length=MAX_STEPS)]
    within: Duration
    op: Op
    value: Annotated[float, msgspec.Meta(ge=0, le=1)]
    recover: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    order: Order = "sequential"
    ties: Ties = "after"

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        del window
        asked = Steps(self.steps, self.within, self.order, self.ties)
        return [Need(query, timedelta(seconds=seconds(self.within)), funnel=asked)]

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        entered, completed = numbers[0] or 0.0, numbers[1] or 0.0
        share = completed / entered if entered else None
        return Verdict(_beyond(self.op, share, self.value, self.recover, firing=firing), share)

    def check(self, window: timedelta) -> None:
        del window
        _check_recover(self.op, self.value, self.recover)
        if timedelta(seconds=seconds(self.within)) > LONGEST_WITHIN:
            raise Rejected(Refusal.BAD_RANGE, f"`within` {self.within} is longer than {LONGEST_WITHIN.days}d")


class Anomaly(_Condition, frozen=True, kw_only=True, tag="anomaly"):
    """Holds while the number is further from what is usual than noise explains; `sensitivity` is how many times that.

    By `mad` usual is the median of the same window in the `weeks` before, each with its neighbours, and noise their
    median absolute deviation. By `seasonal` usual is what the decomposition of all windows of those weeks in a row
    into trend, day and week goes on with, and noise what it leaves over. Noise is at least that of counting. Without a
    number in most of those windows (those at this hour of the week) nothing is usual, and it does not hold.
    """

    method: Literal["mad", "seasonal"] = "mad"
    sensitivity: Annotated[float, msgspec.Meta(ge=2, le=50)] = 6.0
    weeks: Annotated[int, msgspec.Meta(ge=2, le=8)] = 4
    direction: Direction = "either"

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        if self.method == "seasonal":
            return [Need(query), Need(query, window, windows=self.weeks * WEEK // window)]
        backs = [week * WEEK + side * window for week in range(1, self.weeks + 1) for side in (-1, 0, 1)]
        return [Need(query), *(Need(query, back) for back in backs if back > timedelta())]

    def judge(self, numbers: Sequence[Value], *, firing: bool) -> Verdict:
        del firing
        now, before = numbers[0] or 0.0, [number or 0.0 for number in numbers[1:]]
        a_week = len(before) // self.weeks
        alike = before[-a_week::-a_week] if self.method == "seasonal" else before
        if sum(map(bool, alike)) <= len(alike) // 2:
            return Verdict(holds=False, value=now)
        off = season.off(before, now, a_week // season.DAYS) if self.method == "seasonal" else _off(before, now)
        size = {"up": off, "down": -off, "either": abs(off)}[self.direction]
        return Verdict(size > self.sensitivity, now)

    def check(self, window: timedelta) -> None:
        if self.method == "mad":
            return
        if window < _SHORTEST_OF_SEASONS or _DAY % window:
            raise Rejected(Refusal.BAD_RANGE, "`method` seasonal takes a `window` that a day is whole times: 1h to 1d")
        if self.weeks < _FEWEST_WEEKS:
            raise Rejected(Refusal.BAD_RANGE, f"`weeks` {self.weeks}: `method` seasonal needs at least {_FEWEST_WEEKS}")


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One condition of several; without a `query` of its own it is about the rule's."""

    condition: Threshold | Absence | Change | Rate | Ratio | Funnel | Anomaly
    query: RuleQuery | None = None


class Composite(_Condition, frozen=True, kw_only=True, tag="composite"):
    """Holds while all, or any, of several conditions do; its number is how many."""

    match: Literal["all", "any"]
    conditions: Annotated[list[Part], msgspec.Meta(min_length=2, max_length=_MOST_PARTS)]

    def needs(self, query: RuleQuery, window: timedelta) -> list[Need]:
        return [need for part in self.conditions for need in part.condition.needs(part.query or query, window)]

    def judge(self, numbers: Sequence[Value], *, firing: bool, window: timedelta = timedelta(minutes=1)) -> Verdict:
        """`window` is the rule's: how many numbers a part takes may depend on it."""
        left, held = list(numbers), 0
        for part in self.conditions:
            count = sum(need.width for need in part.condition.needs(RuleQuery(), window))
            held += part.condition.judge(left[:count], firing=firing).holds
            del left[:count]
        return Verdict(held == len(self.conditions) if self.match == "all" else held > 0, float(held))

    def check(self, window: timedelta) -> None:
        for part in self.conditions:
            part.condition.check(window)


Condition = Threshold | Absence | Change | Rate | Ratio | Funnel | Anomaly | Composite


def _off(before: Sequence[float], now: float) -> float:
    usual = statistics.median(before)
    spread = statistics.median(abs(number - usual) for number in before) * season.OF_NORMAL
    return (now - usual) / (max(spread, math.sqrt(abs(usual))) or 1.0)


def _percent(now: float, before: float) -> float:
    if before:
        return (now - before) / abs(before) * 100
    return math.copysign(math.inf, now) if now else 0.0


def _beyond(op: Op, value: Value, mark: float, recover: float | None, *, firing: bool) -> bool:
    return value is not None and compare(op, value, recover if firing and recover is not None else mark)


def _check_recover(op: Op, mark: float, recover: float | None) -> None:
    """A mark to recover at lies on the side where the condition does not hold."""
    if recover is None:
        return
    if op in {"eq", "ne"}:
        raise Rejected(Refusal.BAD_REQUEST, f"`recover` goes with gt, gte, lt and lte, not with {op}")
    if (recover > mark) if op in {"gt", "gte"} else (recover < mark):
        raise Rejected(Refusal.BAD_REQUEST, f"`recover` {recover:g} is beyond `value` {mark:g}: it would never recover")


def compare(op: Op, value: float, wanted: float) -> bool:
    """Whether a number compares so with another."""
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

"""What a caller asks of retention, lifecycle and stickiness, and what cannot be asked."""

from typing import Annotated, Literal

import msgspec

from shared.query.acts import Act, CountBy, bad
from shared.query.filters import Filter
from shared.query.measures import number_of
from shared.query.pages import DEFAULT_LIMIT, Limit

MAX_PERIODS = 400
MAX_BRACKETS = 50

Interval = Literal["day", "week", "month"]
Offset = Annotated[int, msgspec.Meta(ge=1, le=MAX_PERIODS)]


class Asked(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """What all three have in common."""

    start: str
    end: str
    interval: Interval = "day"
    filters: list[Filter] = []
    count_by: CountBy = "users"
    timezone: str | None = None
    explain: bool = False


class RetentionQuery(Asked, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"starting": "start"}):
    """Who begins, cohort by cohort, and who of them comes back how many intervals later.

    `first_time`: the cohort of a person is that of their first such event ever; otherwise they are in the cohort of
    every interval with one. `rolling`: intervals are counted on each person's own clock, from their first such event
    on: 24 hours, 7 or 30 days long; otherwise they are those of the calendar.
    """

    starting: Act = Act()
    returning: Act = Act()
    cohort_by: Literal["event", "first_seen"] = "event"
    first_time: bool = True
    rolling: bool = False
    mode: Literal["exact", "on_or_after", "bracket"] = "exact"
    brackets: list[tuple[Offset, Offset]] = []
    periods: Annotated[int, msgspec.Meta(ge=1, le=MAX_PERIODS)] = 12
    measure: str = "users"
    cumulative: bool = False

    @property
    def amount(self) -> str:
        """SQL of the number that is summed up; '' where people are counted."""
        return "" if self.measure == "users" else number_of(self.measure.removeprefix("sum:"))

    @property
    def begins(self) -> Act:
        """What makes a person part of a cohort."""
        return Act() if self.cohort_by == "first_seen" else self.starting

    def check(self) -> None:
        """Refuse what makes no cohorts, naming the field and what to write instead (`bad_question`)."""
        self.starting.check("start")
        self.returning.check("returning")
        if self.cohort_by == "first_seen" and self.starting != Act():
            raise bad("`start`: by first_seen a person's first event of any kind begins; leave it out")
        if not self.first_time and (self.cohort_by == "first_seen" or self.rolling):
            raise bad("`first_time`: only false with cohort_by event and intervals of the calendar")
        if not (self.measure == "users" or self.measure.startswith("sum:")):
            raise bad(f"`measure` {self.measure!r}: users or sum:<property>")
        if self.measure != "users" and self.mode != "exact":
            raise bad(f"`mode`: a sum belongs to one interval: take exact, not {self.mode}")
        if self.cumulative and self.measure == "users":
            raise bad("`cumulative`: only of a sum; for people take mode on_or_after")
        self._check_brackets()

    def _check_brackets(self) -> None:
        if (self.mode == "bracket") != bool(self.brackets):
            raise bad("`brackets` goes with mode bracket: a list such as [[1, 3], [4, 7]]")
        if len(self.brackets) > MAX_BRACKETS:
            raise bad(f"`brackets` has {len(self.brackets)}: at most {MAX_BRACKETS}")
        for number, (first, last) in enumerate(self.brackets):
            if first > last:
                raise bad(f"`brackets[{number}]` {[first, last]}: from the lower to the higher")


class LifecycleQuery(Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many people are new, come back each interval, come back after a pause, or have stayed away."""

    act: Act = Act()


class StickinessQuery(Asked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In how many intervals of the range people were active; and who was active within 1, 7 and 30 days, each day."""

    act: Act = Act()


class RetentionPeopleQuery(
    RetentionQuery, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"starting": "start"}
):
    """Who is behind a number of a cohort: those who came back at `offset`, of the cohort that begins at `cohort`."""

    cohort: str
    offset: Annotated[int, msgspec.Meta(ge=0, le=MAX_PERIODS)]
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""


class LifecyclePeopleQuery(LifecycleQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who was in a state in the interval that begins at `time`."""

    time: str
    state: Literal["new", "returning", "resurrecting", "dormant"]
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""


class StickinessPeopleQuery(StickinessQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who was active in exactly so many intervals."""

    intervals: Annotated[int, msgspec.Meta(ge=1)]
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

"""What a caller asks of retention, lifecycle and stickiness, and what cannot be asked."""

from typing import Annotated, Literal

import msgspec

from shared.query.acts import Act, CountBy, bad
from shared.query.fields import field
from shared.query.filters import Filter
from shared.query.measures import number_of
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.query.profiles import PROFILE_PREFIX, property_of

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
    on: 24 hours, 7 or 30 days long; otherwise they are those of the calendar. `cohort_by`: `event`, `first_seen`, or
    `profile.<name>`, a date in people's profiles. `breakdown`: the same for each of the `limit` largest groups, by what
    the first event of a person says that makes them part of a cohort.
    """

    starting: Act = Act()
    returning: Act = Act()
    cohort_by: str = "event"
    first_time: bool = True
    rolling: bool = False
    mode: Literal["exact", "on_or_after", "bracket"] = "exact"
    brackets: list[tuple[Offset, Offset]] = []
    periods: Annotated[int, msgspec.Meta(ge=1, le=MAX_PERIODS)] = 12
    measure: str = "users"
    cumulative: bool = False
    breakdown: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 5

    @property
    def amount(self) -> str:
        """SQL of the number that is summed up; '' where people are counted."""
        return "" if self.measure == "users" else number_of(self.measure.removeprefix("sum:"))

    @property
    def begins(self) -> Act:
        """What makes a person part of a cohort; any event where that is no event's matter."""
        return self.starting if self.cohort_by == "event" else Act()

    @property
    def dated(self) -> str:
        """The property of profiles whose date makes a person part of a cohort; '' where events do."""
        return "" if self.cohort_by in {"event", "first_seen"} else property_of(self.cohort_by)

    def check(self) -> None:
        """Refuse what makes no cohorts, naming the field and what to write instead (`bad_question`)."""
        self.starting.check("start", self.filters)
        self.returning.check("returning", self.filters)
        self._check_cohorts()
        if self.breakdown:
            field(self.breakdown)
        if not (self.measure == "users" or self.measure.startswith("sum:")):
            raise bad(f"`measure` {self.measure!r}: users or sum:<property>")
        if self.measure != "users" and self.mode != "exact":
            raise bad(f"`mode`: a sum belongs to one interval: take exact, not {self.mode}")
        if self.cumulative and self.mode != "exact":
            raise bad(f"`cumulative`: adds up intervals: take mode exact, not {self.mode}")
        self._check_brackets()

    def _check_cohorts(self) -> None:
        if self.cohort_by not in {"event", "first_seen"} and not self.cohort_by.startswith(PROFILE_PREFIX):
            raise bad(f"`cohort_by` {self.cohort_by!r}: event, first_seen or {PROFILE_PREFIX}<name>")
        if self.cohort_by != "event" and self.starting != Act():
            raise bad(f"`start`: {self.cohort_by} begins a cohort, whatever people do; leave it out")
        if not self.first_time and (self.cohort_by != "event" or self.rolling):
            raise bad("`first_time`: only false with cohort_by event and intervals of the calendar")
        if self.dated and self.count_by != "users":
            raise bad("`count_by`: profiles are people's; take users, or cohort_by event")

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
    """Who is behind a number of a cohort: those who came back at `offset`, of the cohort that begins at `cohort`.

    Of a sum, those who brought something there other than 0. `group`: only those of this one value of `breakdown`,
    which may be null.
    """

    cohort: str
    offset: Annotated[int, msgspec.Meta(ge=0, le=MAX_PERIODS)]
    group: Annotated[list[str | None], msgspec.Meta(max_length=1)] = []
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def check(self) -> None:
        super().check()
        if self.group and not self.breakdown:
            raise bad("`group` is one of a `breakdown`: give its field, too")


class LifecyclePeopleQuery(LifecycleQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who was in a state in the interval that begins at `time`."""

    time: str
    state: Literal["new", "returning", "resurrecting", "dormant"]
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""


class StickinessPeopleQuery(StickinessQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who was active in exactly so many intervals; or on a day, or within 7 or 30 days that end with it."""

    intervals: Annotated[int, msgspec.Meta(ge=1)] | None = None
    time: str | None = None
    span: Literal["daily", "weekly", "monthly"] = "daily"
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def check(self) -> None:
        """Refuse both numbers at once, and neither (`bad_question`)."""
        if (self.intervals is None) == (self.time is None):
            raise bad("give `intervals`, or a `time` of `active` and its `span`")

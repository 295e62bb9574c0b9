"""What a caller asks of a funnel, and what cannot be asked."""

from typing import Annotated, Literal

import msgspec

from shared.query.acts import Act, CountBy, bad
from shared.query.buckets import Interval
from shared.query.durations import Duration, seconds
from shared.query.fields import field
from shared.query.filters import Filter
from shared.query.pages import DEFAULT_LIMIT, Limit

MIN_STEPS, MAX_STEPS = 2, 20
MAX_EXCLUSIONS = 5
MAX_HOLD = 3
LONGEST_WINDOW_DAYS = 366

Order = Literal["sequential", "strict", "any"]
Ties = Literal["after", "at_or_after"]
Place = Annotated[int, msgspec.Meta(ge=1, le=MAX_STEPS)]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_WINDOW_DAYS * 86_400)]


class Step(Act, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step, and what to call it."""

    label: str = ""

    @property
    def title(self) -> str:
        return self.label or " / ".join(self.events) or "*"


class Exclusion(Act, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """No such event may lie between the two steps of these places, the first of which is 1."""

    between: tuple[Place, Place]


class FunnelQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """A funnel: how many people do these steps, each within `window` of their first.

    The first step lies in the range; the others may follow after its end. `hold` names fields that must be the same
    on all steps of one person's way.
    """

    start: str
    end: str
    steps: list[Step]
    window: Duration = "7d"
    order: Order = "sequential"
    ties: Ties = "after"
    exclude: list[Exclusion] = []
    hold: list[str] = []
    filters: list[Filter] = []
    breakdown: str | None = None
    touch: Literal["first", "last"] = "first"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    interval: Interval | None = None
    count_by: CountBy = "users"
    timezone: str | None = None
    explain: bool = False

    @property
    def micros(self) -> int:
        """The window in microseconds."""
        return seconds(self.window) * 1_000_000

    def check(self) -> None:
        """Refuse what is no funnel, naming the field and what to write instead (`bad_question`)."""
        if not MIN_STEPS <= len(self.steps) <= MAX_STEPS:
            raise bad(f"`steps` has {len(self.steps)}: give {MIN_STEPS} to {MAX_STEPS}")
        for place, step in enumerate(self.steps):
            step.check(f"steps[{place}]", self.filters)
            if not (step.events or step.filters):
                raise bad(f"`steps[{place}]` is every event: give `event`, `any_of` or `filters`")
        if not 1 <= seconds(self.window) <= LONGEST_WINDOW_DAYS * 86_400:
            raise bad(f"`window` {self.window}: from 1s to {LONGEST_WINDOW_DAYS}d")
        if self.ties == "at_or_after" and self.order != "sequential":
            raise bad(f"`ties`: at_or_after needs the order sequential, not {self.order}")
        self._check_exclusions()
        if len(self.hold) > MAX_HOLD:
            raise bad(f"`hold` names {len(self.hold)} fields: at most {MAX_HOLD}")
        for name in [*self.hold, *([self.breakdown] if self.breakdown else [])]:
            field(name)

    def _check_exclusions(self) -> None:
        if self.exclude and self.order == "any":
            raise bad("`exclude`: in any order nothing is between two steps; take order sequential or strict")
        if len(self.exclude) > MAX_EXCLUSIONS:
            raise bad(f"`exclude` has {len(self.exclude)}: at most {MAX_EXCLUSIONS}")
        for number, one in enumerate(self.exclude):
            one.check(f"exclude[{number}]", self.filters)
            first, last = one.between
            if not 1 <= first < last <= len(self.steps):
                raise bad(f"`exclude[{number}].between` {[first, last]}: two steps of 1 to {len(self.steps)} in order")


class BehindQuery(
    FunnelQuery, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """Who is behind a step: those who came to it, or with `dropped` those who came to it and no further.

    `group`: only those of this one value of `breakdown`, which may be null; `others`: only those of none of the groups
    in the answer. `took`: only those whom it took at least so many whole seconds to come there, and less than so many,
    null for any number. `time`: only those who began first in the bucket of the trend that begins then.
    """

    step: Place
    dropped: bool = False
    group: Annotated[list[str | None], msgspec.Meta(max_length=1)] = []
    others: bool = False
    time: str | None = None
    took: tuple[Seconds, Seconds | None] | None = None
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def check(self) -> None:
        super().check()
        if self.step > len(self.steps):
            raise bad(f"`step` {self.step}: there are {len(self.steps)}")
        if (self.group or self.others) and not self.breakdown:
            raise bad("`group` and `others` are of a `breakdown`: give its field, too")
        if self.group and self.others:
            raise bad("give `group` or `others`, not both")
        if self.time is not None and self.interval is None:
            raise bad("`time` is a bucket of the trend: give its `interval`, too")

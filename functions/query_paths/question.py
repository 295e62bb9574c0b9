"""What a caller asks of paths, and what cannot be asked."""

from typing import Annotated, Literal

import msgspec

from shared.query.acts import Act, CountBy, bad
from shared.query.fields import field
from shared.query.filters import Filter
from shared.query.pages import DEFAULT_LIMIT, Limit

MAX_STEPS = 20
Kind = Literal["value", "other"]


class PathsQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to", "starting": "start", "ending": "end"},
):
    """What people do after `start`, or before `end`, or first; step by step, by event or by what a field says.

    `collapse`: the same again right after itself is no step. `limit` values are shown at each step, those of fewer
    than `min_support` people never; all others are one.
    """

    start: str
    end: str
    starting: Act | None = None
    ending: Act | None = None
    by: str = "event"
    steps: Annotated[int, msgspec.Meta(ge=2, le=MAX_STEPS)] = 5
    collapse: bool = True
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 8
    min_support: Annotated[int, msgspec.Meta(ge=1)] = 1
    events: list[str] = []
    exclude_events: list[str] = []
    filters: list[Filter] = []
    count_by: CountBy = "users"
    timezone: str | None = None
    explain: bool = False

    def check(self) -> None:
        """Refuse what makes no paths, naming the field and what to write instead (`bad_question`, `unknown_field`)."""
        if self.starting is not None and self.ending is not None:
            raise bad("`start` and `end`: a path is followed from one event, or back from one; give one of them")
        for name, act in (("start", self.starting), ("end", self.ending)):
            if act is not None:
                act.check(name, self.filters)
                if not (act.events or act.filters):
                    raise bad(f"`{name}` is every event: give `event`, `any_of` or `filters`")
        if both := sorted({*self.events} & {*self.exclude_events}):
            raise bad(f"`exclude_events` names {both[0]!r}, which `events` asks for")
        field(self.by)


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody came to: a value, which may be null, or one of the others."""

    key: str | None = None
    kind: Kind = "value"


class PathsPeopleQuery(PathsQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who came to the first of these stops at `step`, to the next one at the step after, and so on.

    `whole`: their way is these stops and no other. Who is one of the others is as in the answer: at a node all that
    are not shown there, in a whole path those that are no step of their own.
    """

    way: Annotated[list[Stop], msgspec.Meta(min_length=1, max_length=MAX_STEPS)]
    step: Annotated[int, msgspec.Meta(ge=1, le=MAX_STEPS)] = 1
    whole: bool = False
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def check(self) -> None:
        super().check()
        if self.step - 1 + len(self.way) > self.steps:
            raise bad(f"`way` has {len(self.way)} stops from step {self.step} on: `steps` is {self.steps}")

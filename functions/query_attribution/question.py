"""What a caller asks of attribution, and what cannot be asked."""

from typing import Annotated, Literal

import msgspec

from shared.query.acts import Act, CountBy, bad
from shared.query.durations import Duration, seconds
from shared.query.fields import field
from shared.query.filters import Filter
from shared.query.measures import number_of
from shared.query.pages import DEFAULT_LIMIT, Limit

LONGEST_LOOKBACK_DAYS = 366

Model = Literal["first", "last", "linear", "position", "time_decay"]
MODELS: tuple[Model, ...] = ("first", "last", "linear", "position", "time_decay")


class AttributionQuery(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}
):
    """Which touches led to conversions: each one in the range is shared out among its person's touches before it.

    A touch is an event that `touch` is about and that says something in the field `by`; successive touches of the same
    value are one, the first, unless `collapse` is false. `value` names what a conversion is worth.
    """

    start: str
    end: str
    conversion: Act
    touch: Act = Act()
    by: str = "channel"
    lookback: Duration = "30d"
    half_life: Duration = "7d"
    models: list[Model] = msgspec.field(default_factory=lambda: list(MODELS))
    value: str = "revenue"
    collapse: bool = True
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    filters: list[Filter] = []
    count_by: CountBy = "users"
    timezone: str | None = None
    explain: bool = False

    def check(self) -> None:
        """Refuse what cannot be shared out, naming the field and what to write instead (`bad_question`)."""
        self.conversion.check("conversion", self.filters)
        self.touch.check("touch", self.filters)
        if not (self.conversion.events or self.conversion.filters):
            raise bad("`conversion` is every event: give `event`, `any_of` or `filters`")
        if not 1 <= seconds(self.lookback) <= LONGEST_LOOKBACK_DAYS * 86_400:
            raise bad(f"`lookback` {self.lookback}: from 1s to {LONGEST_LOOKBACK_DAYS}d")
        if not seconds(self.half_life):
            raise bad(f"`half_life` {self.half_life}: longer than nothing")
        if not self.models or len(set(self.models)) != len(self.models):
            raise bad(f"`models`: one or more of {', '.join(MODELS)}, each once")
        field(self.by)
        number_of(self.value)


class AttributionPeopleQuery(
    AttributionQuery,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """Whose conversions a row is made of: those that `model` credits to `key`, null for those without any touch.

    `others`: those that it credits to values that are not in the answer. `model` is one of `models`, by default the
    first.
    """

    key: str | None = None
    others: bool = False
    model: Model | None = None
    page: Limit = DEFAULT_LIMIT
    cursor: str = ""

    @property
    def place(self) -> int:
        """Where the model stands among `models`, which begin with 1."""
        return 1 if self.model is None else self.models.index(self.model) + 1

    def check(self) -> None:
        super().check()
        if self.model is not None and self.model not in self.models:
            raise bad(f"`model` {self.model}: one of `models`, {', '.join(self.models)}")
        if self.others and self.key is not None:
            raise bad("give `key` or `others`, not both")

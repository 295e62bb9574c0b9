"""What a segment is made of: conditions on what people did and are, joined by and, or, not (docs/segments.md)."""

import uuid
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from shared.query.acts import Act
from shared.query.durations import Duration
from shared.query.filters import Op, Scalar
from shared.refusals import Refusal, Rejected

MOST_CONDITIONS = 50
MOST_DEPTH = 10
MOST_DAYS = 36_500
Days = Annotated[int, msgspec.Meta(ge=1, le=MOST_DAYS)]
Compared = Literal["gte", "gt", "lte", "lt", "eq", "ne", "top_percent"]


class _Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind"):
    pass


class And(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="and"):
    """All of them hold."""

    of: Annotated[list["Condition"], msgspec.Meta(min_length=1, max_length=MOST_CONDITIONS)]


class Or(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="or"):
    """One of them holds at least."""

    of: Annotated[list["Condition"], msgspec.Meta(min_length=1, max_length=MOST_CONDITIONS)]


class Not(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="not"):
    """It does not hold, of everybody who did anything at all."""

    of: "Condition"


class Did(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="did"):
    """A figure of what somebody did within the last `days` (ever): how often, on how many days, a sum of a property.

    `measure` is `count`, `days` (days of the project's timezone on which it happened), `sum:`, `avg:`, `min:`, `max:`
    or `unique:` of a property. `top_percent`: those of the largest values.
    """

    act: Act = Act()
    measure: str = "count"
    op: Compared = "gte"
    value: float = 1
    days: Days | None = None


class Seen(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="seen"):
    """When somebody did something first or last: within the last `days`, or before them."""

    which: Literal["first", "last"]
    act: Act = Act()
    op: Literal["within", "before"] = "within"
    days: Days


class InOrder(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="sequence"):
    """Somebody did one thing and another strictly later, at most `within` later; or did not (`happens` false)."""

    first: Act
    then: Act
    within: Duration | None = None
    happens: bool = True
    days: Days | None = None


class Property(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="property"):
    """A property of the profile (`profile.<name>`), or what the last event that has the field says of it."""

    property: str
    op: Op = "eq"
    value: Scalar | list[Scalar] | None = None


class InSegment(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="segment"):
    """Somebody is in another segment of the project."""

    id: uuid.UUID


class Listed(_Condition, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="list"):
    """Somebody is on the list that was uploaded; only the segment of the list has this."""

    id: uuid.UUID
    version: int


Condition = And | Or | Not | Did | Seen | InOrder | Property | InSegment
Stored = Condition | Listed


def parts(condition: Stored) -> Iterator[Stored]:
    """The condition and all within it, each before what is within it."""
    yield condition
    inner: list[Condition] = []
    if isinstance(condition, And | Or):
        inner = condition.of
    elif isinstance(condition, Not):
        inner = [condition.of]
    for one in inner:
        yield from parts(one)


def depth(condition: Stored) -> int:
    """How many conditions are within one another at most."""
    if isinstance(condition, And | Or):
        return 1 + max(depth(one) for one in condition.of)
    return 1 + depth(condition.of) if isinstance(condition, Not) else 1


def check_size(condition: Stored) -> None:
    """Refuse a definition of too many conditions, or too deep (`bad_segment`)."""
    if depth(condition) > MOST_DEPTH:
        raise refused(f"`definition`: conditions stand more than {MOST_DEPTH} deep in one another; make it flatter")
    if sum(1 for _ in parts(condition)) > MOST_CONDITIONS:
        raise refused(f"`definition` has more than {MOST_CONDITIONS} conditions; make a segment of some and name it")


def named(condition: Stored) -> list[uuid.UUID]:
    """The segments that a definition names."""
    return [one.id for one in parts(condition) if isinstance(one, InSegment)]


def refused(detail: str) -> Rejected:
    """The refusal of a definition; `detail` names the field and what to write."""
    return Rejected(Refusal.BAD_SEGMENT, detail)

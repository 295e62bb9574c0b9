"""Every operator and measure of a count, asked once as text (golden SQL) and once of the real engine."""

from collections.abc import Sequence
from typing import get_args

from shared.query.filters import Filter, Op, Scalar

_ONE: Sequence[Scalar] = ("pro", 5, 5.5, True, 2**60)
_ORDERED: Sequence[Scalar] = ("m", 5, -0.5)
_MANY: Sequence[list[Scalar]] = (["pro", "free"], [5, 0.1], ["pro", 5, False, 2**60])

VALUES: dict[Op, Sequence[Scalar | list[Scalar] | None]] = {
    "eq": _ONE,
    "ne": _ONE,
    "in": _MANY,
    "not_in": _MANY,
    "contains": ("r",),
    "not_contains": ("r",),
    "starts_with": ("p",),
    "gt": _ORDERED,
    "gte": _ORDERED,
    "lt": _ORDERED,
    "lte": _ORDERED,
    "is_set": (None,),
    "not_set": (None,),
    "regex": ("^[a-p].*o$",),
}
assert set(VALUES) == set(get_args(Op))

SIMPLE_MEASURES = ["count", "users", "sessions", "event_types"]
MEASURES_OF = ["unique", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99"]


def filters_on(field: str) -> list[Filter]:
    """Each operator with each kind of value."""
    return [Filter(field, op, value) for op, values in VALUES.items() for value in values]


def measures_of(field: str) -> list[str]:
    return [f"{measure}:{field}" for measure in MEASURES_OF]

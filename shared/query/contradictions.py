"""Filters that never hold together: a question with such is a slip, and its empty answer would not say so.

Only what is certain counts: conditions that no single event can meet, as shared.query.filters compares.
"""

from collections.abc import Sequence
from itertools import combinations

from shared.query.filters import Filter, Scalar
from shared.refusals import Refusal, Rejected

_LOWER, _UPPER = frozenset({"gt", "gte"}), frozenset({"lt", "lte"})
# What holds only of a field that there is.
_PRESENT = frozenset({"eq", "in", "contains", "starts_with", "regex", "is_set", *_LOWER, *_UPPER})
_SHOWN = 80


def refuse_contradiction(filters: Sequence[Filter], place: str) -> None:
    """Refuse two conditions of which no event can meet both (`bad_filter`); `place` says where they stand."""
    for one, other in combinations(filters, 2):
        if one.property == other.property and (_excludes(one, other) or _excludes(other, one)):
            raise Rejected(
                Refusal.BAD_FILTER,
                f"`{place}`: {_said(one)} and {_said(other)} never hold of one event; take one of them out, or `in`"
                " with a list for either",
            )


def _excludes(one: Filter, other: Filter) -> bool:
    if one.op == "not_set":
        return other.op in _PRESENT
    allowed = _values(one) if one.op in {"eq", "in"} else None
    if allowed is not None and other.op in {"eq", "in"}:
        return _comparable(allowed, _values(other)) and not set(allowed) & set(_values(other))
    if allowed is not None and other.op in {"ne", "not_in"}:
        return _comparable(allowed, _values(other)) and set(allowed) <= set(_values(other))
    return one.op in _LOWER and other.op in _UPPER and _crossed(one, other)


def _crossed(lower: Filter, upper: Filter) -> bool:
    """Whether nothing lies above the one bound and below the other; of numbers, which have an order of their own."""
    least, most = lower.value, upper.value
    if not (_is_number(least) and _is_number(most)):
        return False
    strictly = lower.op == "gt" or upper.op == "lt"
    return least > most or (least == most and strictly)  # type: ignore[operator]  # both are numbers


def _values(wanted: Filter) -> list[Scalar]:
    if isinstance(wanted.value, list):
        return wanted.value
    return [] if wanted.value is None else [wanted.value]


def _comparable(some: Sequence[Scalar], others: Sequence[Scalar]) -> bool:
    """Whether all are texts, or all numbers: "5" and 5 are compared in two ways, and may both hold."""
    values = [*some, *others]
    return bool(some and others) and (
        all(isinstance(one, str) for one in values) or all(_is_number(one) for one in values)
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _said(wanted: Filter) -> str:
    text = f"{wanted.property} {wanted.op}"
    return text if wanted.value is None else f"{text} {wanted.value!r}"[:_SHOWN]

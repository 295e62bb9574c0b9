"""Filters as people give them → SQL with bound values."""

from collections.abc import Callable, Sequence
from typing import Literal, assert_never

import msgspec

from shared.query.fields import SEGMENT, Field, field, segment_alias
from shared.query.parameters import Parameters
from shared.refusals import Refusal, Rejected

Op = Literal[
    "eq",
    "ne",
    "in",
    "not_in",
    "contains",
    "not_contains",
    "starts_with",
    "gt",
    "gte",
    "lt",
    "lte",
    "is_set",
    "not_set",
    "regex",
]
Scalar = str | int | float | bool
MAX_VALUES = 1_000
MAX_FILTERS = 50
SEGMENT_OPS = frozenset({"eq", "ne", "in", "not_in"})
_EXACT_BELOW = 2**53
_INT128 = 2**127

_REPETITIONS = "*+?{"  # nothing is repeated at the begin of an expression; behind a group it would be something
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition: `property` is a column or `properties.<path>`; a list of `value` goes with in and not_in."""

    property: str
    op: Op = "eq"
    value: Scalar | list[Scalar] | None = None


def condition(wanted: Filter, parameters: Parameters, resolve: Callable[[str], Field] = field) -> str:
    """The SQL of one filter, its values bound; refuses values that do not fit the operator (`bad_filter`).

    Comparisons with a number compare numbers, with a text compare texts; an absent property is neither equal
    nor greater nor smaller, and `ne`, `not_in`, `not_contains` hold for it. `resolve` says what a property's name
    stands for, by default one of an event. With `segment` the statement takes what Segments.defines among its
    conditions.
    """
    if wanted.property == SEGMENT:
        return _in_segments(wanted)
    return _holds(wanted, resolve(wanted.property), parameters)


def _holds(wanted: Filter, named: Field, parameters: Parameters) -> str:
    match wanted.op:
        case "is_set":
            return named.present
        case "not_set":
            return f"NOT {named.present}"
        case "eq":
            return _equals(named, _one(wanted), parameters)
        case "ne":
            return f"NOT {_equals(named, _one(wanted), parameters)}"
        case "in" | "not_in":
            negation = "NOT " if wanted.op == "not_in" else ""
            return negation + _any_of(named, _many(wanted), parameters)
        case "contains" | "not_contains":
            text = parameters.bind("String", _text(wanted))
            negation = "NOT " if wanted.op == "not_contains" else ""
            return f"{negation}({named.present} AND position({named.text}, {text}) > 0)"
        case "starts_with":
            return f"startsWith({named.text}, {parameters.bind('String', _text(wanted))})"
        case "regex":
            pattern = parameters.bind("String", pattern_of(wanted))
            return f"({named.present} AND match({named.text}, {pattern}))"
        case "gt" | "gte" | "lt" | "lte":
            return _compares(named, _COMPARISONS[wanted.op], _one(wanted), parameters)
        case _:
            assert_never(wanted.op)


def _in_segments(wanted: Filter) -> str:
    """Whether a row's person is in one of the segments."""
    if wanted.op not in SEGMENT_OPS:
        raise Rejected(Refusal.BAD_FILTER, f"segment {wanted.op}: take in or not_in with the ids of segments")
    aliases = [segment_alias(str(one)) for one in segment_ids(wanted)]
    return f"{'NOT ' if wanted.op in {'ne', 'not_in'} else ''}({' OR '.join(aliases)})"


def segment_ids(wanted: Filter) -> list[Scalar]:
    """The ids that a filter by `segment` names, not looked at yet; refuses none (`bad_filter`)."""
    return _many(wanted) if isinstance(wanted.value, list) else [_one(wanted)]


def _equals(named: Field, value: Scalar, parameters: Parameters) -> str:
    if _is_text(value):
        text = parameters.bind("String", _as_text(value))
        sought = f"{named.key} = {named.key_of.format(text)} AND " if named.key else ""
        return f"({sought}{named.present} AND {named.text} = {text})"
    return f"ifNull({named.number} = {parameters.bind('Float64', float(value))}, 0)"


def _any_of(named: Field, values: Sequence[Scalar], parameters: Parameters) -> str:
    """One of the values, each compared as `eq` compares it."""
    texts = [_as_text(value) for value in values if _is_text(value)]
    numbers = [float(value) for value in values if not _is_text(value)]
    parts = []
    if texts:
        bound = parameters.bind("Array(String)", texts)
        keys = f"arrayMap(text -> {named.key_of.format('text')}, {bound})"
        sought = f"{named.key} IN {keys} AND " if named.key else ""
        parts.append(f"({sought}{named.present} AND has({bound}, {named.text}))")
    if numbers:
        parts.append(f"ifNull(has({parameters.bind('Array(Float64)', numbers)}, {named.number}), 0)")
    return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"


def _compares(named: Field, operator: str, value: Scalar, parameters: Parameters) -> str:
    if isinstance(value, bool):
        raise Rejected(Refusal.BAD_FILTER, f"{named.name}: true and false have no order")
    if isinstance(value, str):
        return f"({named.present} AND {named.text} {operator} {parameters.bind('String', value)})"
    number = parameters.bind("Float64", _number(named, value))
    if isinstance(value, int) and _EXACT_BELOW <= abs(value) < _INT128:
        # A Float64 cannot tell such integers apart; what is no integer is compared as before.
        integer, wanted = f"toInt128OrNull({named.text})", parameters.bind("Int128", value)
        return f"ifNull(if(isNotNull({integer}), {integer} {operator} {wanted}, {named.number} {operator} {number}), 0)"
    return f"ifNull({named.number} {operator} {number}, 0)"


def _number(named: Field, value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise Rejected(Refusal.BAD_FILTER, f"{named.name}: the number is out of range") from error


def _one(wanted: Filter) -> Scalar:
    if wanted.value is None or isinstance(wanted.value, list):
        raise Rejected(Refusal.BAD_FILTER, f"{wanted.property} {wanted.op}: give one value")
    return wanted.value


def _many(wanted: Filter) -> list[Scalar]:
    if not isinstance(wanted.value, list) or not 0 < len(wanted.value) <= MAX_VALUES:
        raise Rejected(Refusal.BAD_FILTER, f"{wanted.property} {wanted.op}: give a list of 1 to {MAX_VALUES} values")
    return wanted.value


def _text(wanted: Filter) -> str:
    value = _one(wanted)
    if not isinstance(value, str) or not value:
        raise Rejected(Refusal.BAD_FILTER, f"{wanted.property} {wanted.op}: give a text that is not empty")
    return value


def pattern_of(wanted: Filter) -> str:
    """The regular expression of a filter as the warehouse is to read it."""
    pattern = _text(wanted)
    if len(pattern) > MAX_VALUES:
        raise Rejected(Refusal.BAD_FILTER, f"{wanted.property} regex: at most {MAX_VALUES} characters")
    # The warehouse reads `a)` as the plain text `a`, and `)` as anything; behind a group it compiles, and refuses them.
    return f"(?:){pattern}" if ")" in pattern and pattern[0] not in _REPETITIONS else pattern


def _is_text(value: Scalar) -> bool:
    """Whether `eq` compares texts: for texts, true and false, and integers that a Float64 cannot tell apart."""
    return isinstance(value, str | bool) or (isinstance(value, int) and abs(value) >= _EXACT_BELOW)


def _as_text(value: Scalar) -> str:
    """A value as the warehouse writes it as text: true, 5, text."""
    return str(value).lower() if isinstance(value, bool) else str(value)

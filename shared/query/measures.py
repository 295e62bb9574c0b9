"""Measures: what is counted, as a text such as `users` or `p95:properties.price` (DESIGN §2a)."""

import math
import re

from shared.query.fields import COLUMNS, LOOKUP_PREFIX, PERSON, PROPERTY_PREFIX, SENT, Field, field
from shared.refusals import Refusal, Rejected

_SIMPLE = {
    "count": "count()",
    # Those without a text are one of them at most: a third cheaper than leaving out their rows.
    "users": "uniqExact(person) - max(empty(person))",
    "sessions": "uniqExact(session_id) - max(empty(session_id))",
    "event_types": "uniqExact(event)",
}
_OF_NUMBERS = {"sum": "sum({0})", "avg": "avg({0})", "min": "min({0})", "max": "max({0})"}
_PERCENTILE = re.compile(r"p(50|90|95|99)")
KNOWN = "count, users, sessions, event_types, unique:<property>, sum|avg|min|max|p50|p90|p95|p99:<property>"


def measure(text: str) -> str:
    """The SQL aggregate of a measure, exact in every case; refuses what is not one (`bad_measure`).

    Users are people (shared.query.identity) and leave out events with neither id. Numbers are Float64; percentiles are
    interpolated (`quantileExactInclusive`), and over no value at all the answer is NULL.
    """
    if text in _SIMPLE:
        return _SIMPLE[text]
    kind, colon, name = text.partition(":")
    if not colon or not name:
        raise Rejected(Refusal.BAD_MEASURE, f"{text!r}; known are {KNOWN}")
    named = _named(name)
    if kind == "unique":
        return f"uniqExactIf({named.text}, {named.present})"
    if kind in _OF_NUMBERS:
        return _or_null(_OF_NUMBERS[kind].format(named.number), named.number)
    if match := _PERCENTILE.fullmatch(kind):
        return _or_null(f"quantileExactInclusive(0.{match[1]})({named.number})", named.number)
    raise Rejected(Refusal.BAD_MEASURE, f"{text!r}; known are {KNOWN}")


def _named(name: str) -> Field:
    """A bare name is a property; what Sluice adds under the same name stands in where an event has no such property.

    So `unique:channel` and `sum:revenue` find what the sender wrote as well as what was found out.
    """
    if name == PERSON or name in SENT or name.startswith((PROPERTY_PREFIX, LOOKUP_PREFIX)):
        return field(name)
    own = field(PROPERTY_PREFIX + name)
    if name not in COLUMNS:
        return own
    added = field(name)
    return Field(
        name,
        f"if({own.present}, {own.text}, {added.text})",
        f"if({own.present}, {own.number}, {added.number})",
        f"({own.present} OR {added.present})",
    )


def number_of(name: str) -> str:
    """SQL of the number a row has in a field, or NULL; a bare name is a property, as in a measure (`unknown_field`)."""
    return _named(name).number


def of_people(text: str) -> bool:
    """Whether a measure asks who a row is of, so that its statement must define `person`."""
    return text == "users" or text.partition(":")[2] == PERSON


def of_nothing(text: str) -> int | None:
    """What a measure is over no events at all, as the warehouse would say: 0 of a number of things, else None."""
    return 0 if text in _SIMPLE or text.startswith("unique:") else None


def share(text: str, part: float | None, total: float | None) -> float | None:
    """The part of the total, 0.25 for a quarter; None where a measure has no parts, or the total is nothing.

    Of counts and sums the shares of all groups make 1. Of users, sessions and other distinct things they may make
    more, since one may be in several groups: each says how many of all are (also) there.
    """
    if part is None or not total or not (text.startswith("sum:") or of_nothing(text) == 0):
        return None
    found = part / total
    return found if math.isfinite(found) else None


def _or_null(aggregate: str, number: str) -> str:
    return f"if(count({number}) = 0, NULL, {aggregate})"

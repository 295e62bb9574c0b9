"""Whether an event matches a webhook's filter: the operators of shared.query.filters on a row, before it is stored.

What a query counts is what a webhook gets: texts and numbers are compared as the warehouse compares them
(tests/integration/test_webhooks_matching.py asks both). `regex` is refused: a pattern of a stranger may take for ever
here, and does not in the warehouse.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from shared.query.fields import COLUMNS, LOOKUP_PREFIX, PROPERTY_PREFIX
from shared.query.filters import MAX_FILTERS, Filter, condition
from shared.query.parameters import Parameters
from shared.refusals import Refusal, Rejected

Row = Mapping[str, Any]
Read = Callable[[Row], str | None]
"""The text of a field, None where it is absent."""

MOST_NAMES = 200
_EXACT_BELOW = 2**53
_INT128 = 2**127
_FEWEST, _MOST = 1e-6, 1e21  # between them the warehouse writes a number without an exponent
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
}


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events: of these names (none: of all), for which all the filters hold."""

    events: list[str] = []
    filters: list[Filter] = []

    def check(self) -> None:
        """Refuse what a query would refuse, and regular expressions (`bad_filter`, `unknown_field`)."""
        if len(self.events) > MOST_NAMES or len(self.filters) > MAX_FILTERS:
            raise Rejected(Refusal.BAD_FILTER, f"at most {MOST_NAMES} names and {MAX_FILTERS} filters")
        for wanted in self.filters:
            if wanted.op == "regex":
                raise Rejected(Refusal.BAD_FILTER, "a webhook's filter takes no regex; use contains or starts_with")
            condition(wanted, Parameters())


class Matcher:
    """A filter made ready; raises Rejected as `Wanted.check` does."""

    def __init__(self, wanted: Wanted) -> None:
        wanted.check()
        self._events = frozenset(wanted.events)
        self._filters = [(one, _reader(one.property)) for one in wanted.filters]

    def matches(self, row: Row) -> bool:
        """Whether the event in a row of the bus is wanted."""
        if self._events and row.get("event") not in self._events:
            return False
        return all(_holds(wanted, read(row)) for wanted, read in self._filters)


def _reader(name: str) -> Read:
    if name.startswith(PROPERTY_PREFIX):
        parts = name.removeprefix(PROPERTY_PREFIX).split(".")
        return lambda row: _text(_at(row.get("properties_raw"), parts))
    if name.startswith(LOOKUP_PREFIX):
        path = name.removeprefix(LOOKUP_PREFIX)
        return lambda row: row.get("lookups", {}).get(path) or None
    if name not in COLUMNS:
        raise Rejected(Refusal.UNKNOWN_FIELD, f"{name!r} is not a column, property or looked-up attribute")
    absent = False if name == "bot" else ""
    return lambda row: _text(row.get(name, absent)) or None


def _at(value: Any, parts: Sequence[str]) -> Any:
    """The value at a path; a key with dots in it is the same path, as it is in the warehouse."""
    if not parts:
        return value
    if not isinstance(value, dict):
        return None
    for length in range(1, len(parts) + 1):
        key = ".".join(parts[:length])
        if key in value and (found := _at(value[key], parts[length:])) is not None:
            return found
    return None


def _text(value: Any) -> str | None:
    """A value as the warehouse writes it as text; an object has none."""
    match value:
        case None | dict():
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return _float_text(value)
        case list():
            return f"[{','.join(map(_element, value))}]"
        case _:
            return str(value)


def _element(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return _text(value) or "NULL"


def _float_text(value: float) -> str:
    if value == 0 or _FEWEST <= abs(value) < _MOST:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = repr(value).partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if exponent else mantissa


def _number(text: str | None) -> float | None:
    if text is None or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) != float("inf") else None


def _holds(wanted: Filter, text: str | None) -> bool:
    if wanted.op in _COMPARES:
        return _compares(_COMPARES[wanted.op], text, wanted.value)
    return _TESTS[wanted.op](text, wanted.value)


def _equals(text: str | None, value: Any) -> bool:
    if isinstance(value, str):
        return text is not None and text == value
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, int) and abs(value) >= _EXACT_BELOW:
        return text == str(value)
    return _number(text) == float(value)


def _compares(compare: Callable[[Any, Any], bool], text: str | None, value: Any) -> bool:
    if text is None:
        return False
    if isinstance(value, str):
        return compare(text.encode(), value.encode())
    if isinstance(value, int) and _EXACT_BELOW <= abs(value) < _INT128 and _INTEGER.fullmatch(text):
        return compare(int(text), value)
    number = _number(text)
    return number is not None and compare(number, float(value))


# Of the operators of a filter all but `regex`, which is refused, and those of an order.
_TESTS: dict[str, Callable[[str | None, Any], bool]] = {
    "is_set": lambda text, _: text is not None,
    "not_set": lambda text, _: text is None,
    "eq": _equals,
    "ne": lambda text, value: not _equals(text, value),
    "in": lambda text, values: any(_equals(text, one) for one in values),
    "not_in": lambda text, values: not any(_equals(text, one) for one in values),
    "contains": lambda text, value: text is not None and value in text,
    "not_contains": lambda text, value: text is None or value not in text,
    "starts_with": lambda text, value: text is not None and text.startswith(value),
}

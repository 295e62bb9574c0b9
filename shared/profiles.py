"""What somebody is like: operations on a profile, one after the other (docs/people.md).

The warehouse makes the same of one property for many people (shared.query.profiles); a test holds both together.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

Profile = dict[str, Any]
# Whole numbers below are written without a point, as the warehouse does.
_WRITTEN_OUT = 1e15


class Change(NamedTuple):
    """An operation on one property; `value` is JSON, '' for `unset`."""

    operation: str
    name: str
    value: str


def folded(changes: Iterable[Change]) -> Profile:
    """The profile after these changes, in the order given; what is null is not there."""
    held: dict[str, msgspec.Raw] = {}
    for change in changes:
        after = _after(held.get(change.name), change.operation, msgspec.Raw(change.value.encode()))
        if after is None:
            held.pop(change.name, None)
        else:
            held[change.name] = after
    return {name: msgspec.json.decode(value) for name, value in held.items()}


def _after(before: msgspec.Raw | None, operation: str, value: msgspec.Raw) -> msgspec.Raw | None:
    match operation:
        case "set":
            return _there(value)
        case "set_once":
            return before or _there(value)
        case "add":
            return _sum(before, value)
        case "append":
            return before if _there(value) is None else _joined([*_elements(before), value])
        case "union":
            return before if _there(value) is None else _joined(_once([*_elements(before), *_elements(value)]))
        case "unset":
            return None
        case _:  # what a later version wrote
            return before


def _there(value: msgspec.Raw) -> msgspec.Raw | None:
    return None if bytes(value) == b"null" else value


def _sum(before: msgspec.Raw | None, value: msgspec.Raw) -> msgspec.Raw | None:
    """Only numbers are added, to a number or to nothing, and only to what a Float64 can hold."""
    added, held = _number(value), 0.0 if before is None else _number(before)
    if added is None or held is None or not math.isfinite(held + added):
        return before
    total = held + added
    return msgspec.Raw(msgspec.json.encode(int(total) if total.is_integer() and abs(total) < _WRITTEN_OUT else total))


def _number(value: msgspec.Raw) -> float | None:
    found = msgspec.json.decode(value)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _elements(value: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The elements of a list; what is none is a list of itself."""
    if value is None:
        return []
    return msgspec.json.decode(value, type=list[msgspec.Raw]) if bytes(value).startswith(b"[") else [value]


def _once(elements: Iterable[msgspec.Raw]) -> list[msgspec.Raw]:
    """Each element once, where it stands first; elements are the same if they are written the same."""
    return [msgspec.Raw(text) for text in dict.fromkeys(map(bytes, elements))]


def _joined(elements: Iterable[msgspec.Raw]) -> msgspec.Raw:
    return msgspec.Raw(b"[" + b",".join(map(bytes, elements)) + b"]")

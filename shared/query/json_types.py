"""The JSON types of what the warehouse keeps, from its own names of them."""

from collections import Counter
from collections.abc import Callable, Sequence

_WHICH: list[tuple[Callable[[str], bool], str]] = [
    (lambda stored: stored.startswith("Array(JSON"), "array of objects"),
    (lambda stored: stored.startswith(("Array(", "Tuple(")), "array"),
    (lambda stored: stored == "Bool", "boolean"),
    (lambda stored: stored.startswith(("Int", "UInt")), "integer"),
    (lambda stored: stored.startswith("Float"), "number"),
]


def json_type(stored: str) -> str:
    """The JSON type of a type of the warehouse's; what is no other is a string."""
    return next((name for is_it, name in _WHICH if is_it(stored)), "string")


def json_types(stored: Sequence[tuple[str, int]]) -> dict[str, int]:
    """How many values are of each JSON type, by the types the warehouse keeps them as; the most frequent first."""
    counts: Counter[str] = Counter()
    for type_name, count in stored:
        counts[json_type(type_name)] += count
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))

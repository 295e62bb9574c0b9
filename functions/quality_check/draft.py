"""Properties that were sent → a schema that describes them: a proposal for people to read and tighten."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from shared.schemas import DRAFT

# A text with few values that come again and again is a choice between them.
_MOST_CHOICES = 12
_EACH_AT_LEAST = 5
_LONGEST_CHOICE = 60
_FEWEST_TO_REQUIRE = 20
_MOST_PROPERTIES = 200
_DEEPEST = 6


class _Seen:
    """What was seen at one path."""

    def __init__(self) -> None:
        self.rows = 0
        self.types: set[str] = set()
        self.texts: Counter[str] = Counter()
        self.fields: dict[str, _Seen] = {}
        self.objects = 0
        self.items: _Seen | None = None

    def look(self, value: Any, depth: int = 0) -> None:
        self.rows += 1
        kind = _type_of(value)
        self.types.add(kind)
        if kind == "string" and len(self.texts) <= _MOST_CHOICES:
            self.texts[value] += 1
        elif kind == "object" and depth < _DEEPEST:
            self.objects += 1
            for name, inner in value.items():
                if name in self.fields or len(self.fields) < _MOST_PROPERTIES:
                    self.fields.setdefault(name, _Seen()).look(inner, depth + 1)
        elif kind == "array" and depth < _DEEPEST:
            self.items = self.items or _Seen()
            for inner in value:
                self.items.look(inner, depth + 1)

    def schema(self) -> dict[str, Any]:
        types = self.types - {"integer"} if "number" in self.types else self.types
        names = sorted(types)
        made: dict[str, Any] = {"type": names[0] if len(names) == 1 else names} if names else {}
        if types == {"string"} and self._is_choice():
            made["enum"] = sorted(self.texts)
        if "object" in types:
            made |= self._object()
        if "array" in types and self.items is not None and self.items.rows:
            made["items"] = self.items.schema()
        return made

    def _object(self) -> dict[str, Any]:
        always = [name for name, one in self.fields.items() if one.rows == self.objects and "null" not in one.types]
        made: dict[str, Any] = {"properties": {name: self.fields[name].schema() for name in sorted(self.fields)}}
        if always and self.objects >= _FEWEST_TO_REQUIRE:
            made["required"] = sorted(always)
        return made

    def _is_choice(self) -> bool:
        return (
            0 < len(self.texts) <= _MOST_CHOICES
            and min(self.texts.values()) >= _EACH_AT_LEAST
            and all(len(text) <= _LONGEST_CHOICE for text in self.texts)
        )


def drafted(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A schema that all the samples are right under; with fewer than 20 of them nothing is required."""
    seen = _Seen()
    for properties in samples:
        seen.look(properties)
    return {"$schema": DRAFT, "type": "object", **{key: made for key, made in seen.schema().items() if key != "type"}}


def _type_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return "null"

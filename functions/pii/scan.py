"""A sample of what is stored → which properties likely hold personal data, how often, with masked examples."""

from collections.abc import Iterator
from typing import Any

import msgspec

from functions.pii.detectors import Kind, masked, of_name, of_value
from shared.pii import Rules, is_hashed

_MOST_PATHS = 5_000
_EXAMPLES = 3
# An address or an id that is one in a thousand texts is chance or free text; it is shown all the same.
_DIGITS = 4


class Finding(msgspec.Struct, frozen=True):
    """One property that likely holds personal data of one kind.

    `seen` is in how many rows of the sample the property was, `found` in how many of them it looked like it, `share` of
    one by the other. `kind` is `name` where only the property's name says so. `covered`: a rule changes it at ingest.
    """

    property: str
    kind: Kind
    seen: int
    found: int
    share: float
    examples: list[str]
    covered: bool


class _Seen:
    __slots__ = ("examples", "kinds", "rows")

    def __init__(self) -> None:
        self.rows = 0
        self.kinds: dict[Kind, int] = {}
        self.examples: dict[Kind, list[str]] = {}


class Scan:
    """Counts what looks like personal data, by path."""

    def __init__(self, rules: Rules | None) -> None:
        self._rules = rules
        self._paths: dict[str, _Seen] = {}

    def look(self, prefix: str, document: Any) -> None:
        """Look at one value of a row: a text, a number, or JSON with properties under their paths."""
        values: dict[str, list[str]] = {}
        for path, text in _leaves(prefix, document):
            if not is_hashed(text):
                values.setdefault(path, []).append(text)
        for path, texts in values.items():
            self._count(path, texts)

    def findings(self) -> list[Finding]:
        """What was found, the most certain first."""
        found = []
        for path, seen in self._paths.items():
            kinds: dict[Kind, int] = dict(seen.kinds)
            if not kinds and (named := of_name(path)):
                kinds = {named: seen.rows}
            for kind, count in kinds.items():
                share = round(count / seen.rows, _DIGITS)
                covered = self._covers(path)
                examples = seen.examples.get(kind, [])
                found.append(Finding(path, kind, seen.rows, count, share, examples, covered))
        return sorted(found, key=lambda one: (one.covered, one.kind == "name", -one.share, one.property))

    def _count(self, path: str, texts: list[str]) -> None:
        seen = self._paths.get(path)
        if seen is None:
            if len(self._paths) >= _MOST_PATHS:
                return
            seen = self._paths[path] = _Seen()
        seen.rows += 1
        for kind, text in {of_value(text): text for text in texts if text}.items():
            if kind is not None:
                seen.kinds[kind] = seen.kinds.get(kind, 0) + 1
                shown, example = seen.examples.setdefault(kind, []), masked(text)
                if len(shown) < _EXAMPLES and example not in shown:
                    shown.append(example)

    def _covers(self, path: str) -> bool:
        if self._rules is None or path in {"user_id", "anonymous_id", "ip"}:
            return False
        return self._rules.covers(path.removeprefix("properties.").removeprefix("rejected."))


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts and numbers of a JSON value, with their paths; elements of a list have the list's."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(path, inner)
    elif isinstance(value, str):
        yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(value)

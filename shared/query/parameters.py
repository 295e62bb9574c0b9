"""Values of a query, bound and never part of its text."""

from collections.abc import Iterator, Sequence
from typing import Any

# Values travel in a statement's address, which servers bound.
_MOST_TEXT = 6_000
_MOST_VALUES = 250  # of a search for any of several texts, too


class Parameters:
    """Collects values and hands out the placeholder of each: `{p0:String}`."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def bind(self, type_name: str, value: Any) -> str:
        """Bind a value of a ClickHouse type; returns what stands for it in the SQL."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"{{{name}:{type_name}}}"


def chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """Texts in lists that fit in one statement."""
    held: list[str] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if held and (size + length > _MOST_TEXT or len(held) >= _MOST_VALUES):
            yield held
            held, size = [], 0
        held.append(text)
        size += length
    if held:
        yield held

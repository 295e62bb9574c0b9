"""What every format becomes: numbered rows, each a JSON object, or the reason why it is none."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from shared.refusals import Rejected


class Row(NamedTuple):
    """A row's number (what an editor or a viewer shows, from 1 on) and its JSON object; a `fault` refuses it."""

    number: int
    data: bytes
    fault: Rejected | None = None


class Rows(Protocol):
    """The rows of one file. Reading it again gives the same rows in the same order with the same numbers."""

    tabular: bool
    """Whether every row has every column, so that NULL means "no value" and is left out."""

    named: bool
    """Whether the file says itself which columns it has: another name is then a mistake, not a rare field."""

    def total(self) -> int:
        """How many rows there are at most, refused ones included."""

    def columns(self) -> dict[str, str]:
        """The columns and their DuckDB types, for a select list; may read the file once. Raises SourceError."""

    def __iter__(self) -> Iterator[Row]:
        """Raises SourceError where the file is damaged or was changed."""

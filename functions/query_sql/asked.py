"""What a caller asks in SQL, and what is answered."""

from typing import Annotated, Any, Literal

import msgspec

MOST_ROWS = 10_000
USUAL_ROWS = 1_000
_LONGEST = 64 * 1024

Name = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Value = str | int | float | bool | None


class SqlQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One SELECT, and the values of its `{name:Type}`; `limit` rows of its answer at most.

    With `explain` it is read and estimated, and not run.
    """

    sql: Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST)]
    parameters: dict[Name, Value] = {}
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)] = USUAL_ROWS
    format: Literal["json", "csv"] = "json"
    explain: bool = False


class Column(msgspec.Struct, frozen=True):
    """A column, and its type in ClickHouse's words."""

    name: str
    type: str


class SqlAnswer(msgspec.Struct, frozen=True):
    """The rows; integers beyond 2^53 and decimals are texts. `truncated`: there are more than were asked for.

    `estimated_rows` is what the index says would be read, of `explain` only.
    """

    columns: list[Column]
    rows: list[list[Any]]
    truncated: bool
    took_ms: float
    rows_read: int
    bytes_read: int
    estimated_rows: int | None = None


class SqlTable(msgspec.Struct, frozen=True):
    """A table that statements may name, and what one of its rows is."""

    name: str
    about: str
    columns: list[Column]


class SqlTables(msgspec.Struct, frozen=True):
    """Every table that statements may name."""

    tables: list[SqlTable]

"""`--select`: a list of SQL expressions, computed for each row by itself.

The list is parsed before anything is read, and refused where it could lose, make, mix or invent rows: only what is
decided by a row alone gives the same event when it is imported again. It runs in a database that knows no file.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from shared.importing.duck import (
    BARE_FUNCTIONS,
    described,
    gathering_functions,
    identifier,
    open_duck,
    quoted,
    row_as_json,
    type_from_json,
    unstable_functions,
)
from shared.importing.mapping import decode_row
from shared.importing.rows import Row
from shared.importing.source import SourceError
from shared.refusals import Refusal, Rejected

HELPER = "_"
"""A name given with AS that begins so is for the list's other expressions only, and left out."""
_BATCH_ROWS = 2_000
_BATCH_BYTES = 8 * 1024 * 1024
_PLACE = "\n\nLINE "
_READABLE = 'a column with spaces, or called like a word of SQL, needs quotes, as in "when"'


class SelectError(Exception):
    """The select list cannot be used; the message says why."""


class SelectList(msgspec.Struct, frozen=True):
    """A checked list: its text, and the names it gives itself (not those a `*` brings along)."""

    text: str
    names: frozenset[str]


def parse_select(text: str) -> SelectList:
    """Check a select list without any data; raises SelectError."""
    import duckdb

    connection = open_duck()
    try:
        answer = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT {text}\n"]).fetchone()
    except duckdb.Error as error:
        raise SelectError(_first_line(error)) from error
    finally:
        connection.close()
    parsed = msgspec.json.decode(answer[0]) if answer else {}
    if parsed.get("error", True):
        raise SelectError(f"{parsed.get('error_message', 'it cannot be read')}; {_READABLE}")
    if len(parsed["statements"]) != 1 or not _is_plain(parsed["statements"][0]["node"]):
        raise SelectError("give only what stands between SELECT and FROM: no FROM, WHERE, GROUP BY, ORDER BY or LIMIT")
    items = parsed["statements"][0]["node"]["select_list"]
    _refuse_beyond_a_row(items)
    return SelectList(text, frozenset(filter(None, map(_name, items))))


def _is_plain(node: dict[str, Any]) -> bool:
    return (
        node["type"] == "SELECT_NODE"
        and (node.get("from_table") or {}).get("type") == "EMPTY"
        and not any(
            node.get(part) for part in ("modifiers", "where_clause", "group_expressions", "having", "qualify", "sample")
        )
        and not node["cte_map"]["map"]
    )


def _refuse_beyond_a_row(part: Any) -> None:
    if isinstance(part, list):
        for inner in part:
            _refuse_beyond_a_row(inner)
    elif isinstance(part, dict):
        _refuse_kind(part)
        for inner in part.values():
            _refuse_beyond_a_row(inner)


def _refuse_kind(part: dict[str, Any]) -> None:
    kind, name = part.get("class"), str(part.get("function_name", "")).lower()
    if kind in {"SUBQUERY", "WINDOW"} or (kind == "FUNCTION" and name in gathering_functions()):
        raise SelectError(
            f"{name or kind} needs more than one row, or makes more of one; each row is computed by itself"
        )
    if kind == "PARAMETER":
        raise SelectError("a ? or $name has no value here")
    column = part.get("column_names") or [""]
    alone = str(column[0]).lower() if kind == "COLUMN_REF" and len(column) == 1 else ""
    if alone in BARE_FUNCTIONS or (kind == "FUNCTION" and name in unstable_functions()):
        raise SelectError(f"{alone or name} has another value every time: importing again would make another event")


def _name(item: dict[str, Any]) -> str:
    return str(item.get("alias") or (item.get("column_names") or [""])[-1])


class Selection:
    """A select list over the columns of one file. Use it from one thread at a time, and close it.

    `variables` are what `getvariable('name')` gives. Raises SelectError where the list does not fit the columns.
    The attribute `columns` has the names and types that the list gives.
    """

    def __init__(self, select: SelectList, columns: dict[str, str], variables: dict[str, str]) -> None:
        import duckdb

        self._connection = open_duck()
        try:
            for name, value in variables.items():
                self._connection.execute(f"SET VARIABLE {identifier(name)} = {quoted(value)}")
            chosen = f"SELECT {select.text}\nFROM ({_table(columns)}) AS source"
            shown = {
                name: kind
                for name, kind in described(self._connection, chosen, [[]]).items()
                if not (name in select.names and name.startswith(HELPER))
            }
            self.columns = {name: type_from_json(kind) for name, kind in shown.items()}
            self._sql = f"SELECT {row_as_json(shown)} FROM ({chosen})"
            self._connection.execute(self._sql, [[]]).fetchall()
        except duckdb.Error as error:
            self.close()
            raise SelectError(_first_line(error) + _hint(columns)) from error

    def close(self) -> None:
        self._connection.close()

    def apply(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows in the same order, each with the object that the list makes of it, or why it makes none."""
        batch: list[Row] = []
        size = 0
        for row in rows:
            batch.append(_checked(row))
            size += len(row.data)
            if len(batch) >= _BATCH_ROWS or size >= _BATCH_BYTES:
                yield from self._computed(batch)
                batch, size = [], 0
        yield from self._computed(batch)

    def _computed(self, batch: list[Row]) -> list[Row]:
        sound = [row for row in batch if row.fault is None]
        made = iter(self._made(sound))
        return [next(made) if row.fault is None else row for row in batch]

    def _made(self, rows: list[Row]) -> list[Row]:
        """Compute rows together; where that fails, halve them until the row that fails stands alone."""
        import duckdb

        if not rows:
            return []
        try:
            texts = self._connection.execute(self._sql, [[row.data.decode() for row in rows]]).fetchall()
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            if len(rows) == 1:
                detail = f"the select list fails: {_first_line(error)}; TRY_CAST and TRY give NULL instead"
                return [rows[0]._replace(fault=Rejected(Refusal.BAD_PROPERTIES, detail))]
            middle = len(rows) // 2
            return self._made(rows[:middle]) + self._made(rows[middle:])
        except duckdb.Error as error:
            raise SourceError(f"the select list cannot be computed: {_first_line(error)}") from error
        if len(texts) != len(rows):
            raise SourceError(f"the select list made {len(texts)} rows of {len(rows)}")
        return [Row(row.number, text.encode()) for row, (text,) in zip(rows, texts, strict=True)]


def _table(columns: dict[str, str]) -> str:
    """The rows of a list of JSON texts, in order, as columns."""
    lines = "SELECT unnest(?::VARCHAR[]) AS line"
    if not columns:
        return lines
    structure = msgspec.json.encode(columns).decode()
    return f"SELECT unnest(from_json(line, {quoted(structure)})) FROM ({lines})"


def _checked(row: Row) -> Row:
    """The row, refused where it is not one sound JSON object: DuckDB would refuse its neighbours with it."""
    if row.fault is not None:
        return row
    try:
        decode_row(row.data)
    except Rejected as fault:
        return row._replace(fault=fault)
    return row


def _hint(columns: dict[str, str]) -> str:
    shown = ", ".join(f"{name} {kind}" for name, kind in list(columns.items())[:30])
    return f" (the columns are {shown}; texts calculate after a cast, as in price::DOUBLE)"


def _first_line(error: Exception) -> str:
    return str(error).partition(_PLACE)[0].strip().partition("\n")[0]

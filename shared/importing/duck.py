"""DuckDB as a tool: one private database in memory, no network, no files but those named, one thread.

One thread keeps the order of rows. Everything leaves as JSON text, made here so that a value keeps its digits.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_MEMORY = "1GB"
_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
_MOMENTS = ("TIMESTAMP", "DATETIME")
_NESTED = ("STRUCT(", "MAP(", "UNION(", "VARIANT")
# Functions that need no parentheses, and so look like columns.
BARE_FUNCTIONS = frozenset(
    {"current_date", "current_time", "current_timestamp", "current_localtime", "current_localtimestamp"}
    | {"localtime", "localtimestamp", "current_user", "session_user"}
)
_ISO = "'%Y-%m-%dT%H:%M:%S.%fZ'"


def open_duck(*readable: Path) -> "duckdb.DuckDBPyConnection":
    """A new database that can read the `readable` files and nothing else, and load nothing from anywhere."""
    import duckdb

    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": _MEMORY,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_paths = [{', '.join(quoted(str(path)) for path in readable)}]")
    connection.execute("SET enable_external_access = false")
    return connection


def described(connection: "duckdb.DuckDBPyConnection", select: str, parameters: list[object]) -> dict[str, str]:
    """The names and types of what `select` gives."""
    found = connection.execute(f"DESCRIBE {select}", parameters).fetchall()
    return {row[0]: row[1] for row in found}


def row_as_json(columns: dict[str, str]) -> str:
    """An expression for a row as the text of a JSON object, in which a NULL column is left out.

    Integers and decimals keep their digits, times are ISO 8601 in UTC (naive ones are UTC), bytes are base64, a
    NaN has no value, an infinity is a text; what is none of these is what DuckDB writes for it.
    """
    members = [f"{quoted(_key(name))} || {_text(identifier(name), kind)}" for name, kind in columns.items()]
    return "'{' || concat_ws(',', " + ", ".join(members or ["NULL"]) + ") || '}'"


def _key(name: str) -> str:
    import msgspec

    return msgspec.json.encode(name).decode() + ":"


def _text(column: str, kind: str) -> str:
    """The JSON text of a column, NULL where it is NULL."""
    if kind.endswith("]") or kind.startswith(_NESTED):
        return f"to_json({column})::VARCHAR"
    if kind in _INTEGERS or kind in {"BOOLEAN", "JSON"} or kind.startswith("DECIMAL"):
        return f"{column}::VARCHAR"
    if kind in {"DOUBLE", "FLOAT"}:
        return (
            f"CASE WHEN isnan({column}) THEN NULL WHEN isinf({column})"
            f" THEN '\"' || {column}::VARCHAR || '\"' ELSE {column}::VARCHAR END"
        )
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"'\"' || strftime({column} AT TIME ZONE 'UTC', {_ISO}) || '\"'"
    if kind.startswith(_MOMENTS):
        return f"'\"' || strftime({column}::TIMESTAMP, {_ISO}) || '\"'"
    if kind == "BLOB":
        return f"'\"' || to_base64({column}) || '\"'"
    return f"to_json({column}::VARCHAR)::VARCHAR"


def type_from_json(kind: str) -> str:
    """The type in which a select list sees a column of type `kind` that went through `row_as_json`."""
    if kind.endswith("]") or kind.startswith(_NESTED):
        return "JSON"
    if kind in _INTEGERS or kind in {"BOOLEAN", "DATE", "DOUBLE", "JSON", "UUID"} or kind.startswith("DECIMAL"):
        return kind
    if kind == "FLOAT":
        return "DOUBLE"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return kind
    return "TIMESTAMP" if kind.startswith(_MOMENTS) else "VARCHAR"


def identifier(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def quoted(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


@functools.cache
def unstable_functions() -> frozenset[str]:
    """The functions whose answer is not decided by their arguments alone: the clock, chance, the session."""
    return _functions("stability <> 'CONSISTENT' AND function_name NOT IN ('getvariable', 'error')") | BARE_FUNCTIONS


@functools.cache
def gathering_functions() -> frozenset[str]:
    """The functions that make one row of many, or many of one."""
    return _functions("function_type IN ('aggregate', 'table', 'table_macro', 'window')") - _functions(
        "function_type = 'scalar'"
    ) | {"unnest", "generate_subscripts"}


def _functions(condition: str) -> frozenset[str]:
    connection = open_duck()
    try:
        found = connection.execute(
            f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE {condition}"
        ).fetchall()
    finally:
        connection.close()
    return frozenset(row[0] for row in found)

"""What a query may name: a closed list of columns, and any path inside the properties.

An identifier reaches SQL only through here. Column names come from the list; a property path is quoted part by
part, so no text of a client is ever read as SQL.
"""

import msgspec

from shared.refusals import Refusal, Rejected

# The name in the API → its SQL expression.
COLUMNS: dict[str, str] = {
    "event": "event",
    "user_id": "user_id",
    "anonymous_id": "anonymous_id",
    "session_id": "session_id",
    "event_id": "toString(event_id)",
    "client_id": "client_id",
}
PROPERTY_PREFIX = "properties."
MAX_PATH = 300


class Field(msgspec.Struct, frozen=True):
    """A column or a property, as SQL: `text` is its text ('' where absent), `number` its number or NULL."""

    name: str
    text: str
    number: str
    present: str


def field(name: str) -> Field:
    """The field of that name; refuses what is neither a column nor `properties.<path>` (`unknown_field`)."""
    if name in COLUMNS:
        column = COLUMNS[name]
        return Field(name, column, _number(column), f"notEmpty({column})")
    path = name.removeprefix(PROPERTY_PREFIX)
    if path == name or not path or len(path) > MAX_PATH or not path.isprintable():
        known = ", ".join(COLUMNS)
        raise Rejected(Refusal.UNKNOWN_FIELD, f"{name!r} is not a column ({known}) nor properties.<name>")
    json_path = ".".join(_quoted(part) for part in path.split("."))
    text = f"ifNull(toString(properties.{json_path}), '')"
    return Field(name, text, _number(text), f"isNotNull(properties.{json_path})")


def _number(text: str) -> str:
    """A text's number or NULL; "NaN" and "Infinity" are texts, or one of them would spoil every sum it is in."""
    number = f"toFloat64OrNull({text})"
    return f"if(isFinite({number}), {number}, NULL)"


def _quoted(part: str) -> str:
    if not part:
        raise Rejected(Refusal.UNKNOWN_FIELD, "a property path has an empty part")
    return "`" + part.replace("\\", "\\\\").replace("`", "\\`") + "`"

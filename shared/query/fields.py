"""What a query may name: a closed list of columns, any path inside the properties, any looked-up attribute.

An identifier reaches SQL only through here. Column names come from the list; a property path is quoted part by
part and an attribute's name as a text, so no text of a client is ever read as SQL.
"""

import uuid

import msgspec

from shared.refusals import Refusal, Rejected

_TEXTS = ["url", "hostname", "path", "referrer", "referrer_domain", "channel", "country", "ip", "currency"]
_TEXTS += ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"]
_TEXTS += ["browser", "browser_version", "os", "os_version", "device", "bot_reason", "library", "library_version"]

# The name in the API → its SQL expression. First what a sender writes beside the properties.
SENT: dict[str, str] = {
    "event": "event",
    "user_id": "user_id",
    "anonymous_id": "anonymous_id",
    "session_id": "session_id",
    "event_id": "toString(event_id)",
    "client_id": "client_id",
}
COLUMNS: dict[str, str] = {
    **SENT,
    **{name: name for name in _TEXTS},
    "bot": "toString(bot)",
    "revenue": "ifNull(toString(revenue), '')",
}
_KEYS = {"event_id": ("event_id", "toUUIDOrZero({0})"), "user_id": ("user_key", "concat('u:', {0})")}
# Who a row is of: no column, but what shared.query.identity makes of the columns.
PERSON = "person"
# Whether that person is in a segment: `segment` in a filter, `segment.<id>` as a field (shared.query.segments).
SEGMENT = "segment"
SEGMENT_PREFIX = "segment."
LOOKUP_PREFIX = "lookups."
PROPERTY_PREFIX = "properties."
MAX_PATH = 300
_IN_QUOTES = str.maketrans({"\\": r"\\", "'": r"\'"})


class Field(msgspec.Struct, frozen=True):
    """A column or a property, as SQL: `text` is its text ('' where absent), `number` its number or NULL.

    `json` is the value of a property as it stands in the JSON, or NULL.
    """

    name: str
    text: str
    number: str
    present: str
    json: str = ""
    key: str = ""
    """A column with an index that is `key_of.format(text)` wherever the field is that text; '' for none."""
    key_of: str = ""


def field(name: str) -> Field:
    """The field of that name; refuses what is neither a column nor `properties.<path>` (`unknown_field`).

    A statement with the field `person` takes what Identity.defines among its conditions, one with `segment.<id>` what
    Segments.defines.
    """
    if name == PERSON:
        return Field(name, PERSON, _number(PERSON), f"notEmpty({PERSON})")
    if name.startswith(SEGMENT_PREFIX):
        return Field(name, f"if({segment_alias(name[len(SEGMENT_PREFIX) :])}, 'in', 'out')", "NULL", "true")
    if name in COLUMNS:
        column = COLUMNS[name]
        key, key_of = _KEYS.get(name, ("", ""))
        return Field(name, column, _number(column), f"notEmpty({column})", key=key, key_of=key_of)
    prefix, _, path = name.partition(".")
    prefix += "."
    if prefix not in {PROPERTY_PREFIX, LOOKUP_PREFIX} or not path or len(path) > MAX_PATH or not path.isprintable():
        known = ", ".join([*COLUMNS, PERSON])
        raise Rejected(
            Refusal.UNKNOWN_FIELD,
            f"{name!r} is not a column ({known}) nor properties.<name> nor lookups.<table>.<attribute>",
        )
    if prefix == LOOKUP_PREFIX:
        text = f"lookups['{path.translate(_IN_QUOTES)}']"
        return Field(name, text, _number(text), f"notEmpty({text})")
    json_path = ".".join(_quoted(part) for part in path.split("."))
    text = f"ifNull(toString(properties.{json_path}), '')"
    return Field(name, text, _number(text), f"isNotNull(properties.{json_path})", f"properties.{json_path}")


def segment_alias(segment_id: str) -> str:
    """What a statement calls membership in a segment; refuses what is no id (`unknown_field`)."""
    try:
        return f"segment_{uuid.UUID(segment_id).hex}"
    except ValueError as error:
        raise Rejected(Refusal.UNKNOWN_FIELD, f"{segment_id[:80]!r} is no id of a segment") from error


def _number(text: str) -> str:
    """A text's number or NULL; "NaN" and "Infinity" are texts, or one of them would spoil every sum it is in."""
    number = f"toFloat64OrNull({text})"
    return f"if(isFinite({number}), {number}, NULL)"


def _quoted(part: str) -> str:
    if not part:
        raise Rejected(Refusal.UNKNOWN_FIELD, "a property path has an empty part")
    return "`" + part.replace("\\", "\\\\").replace("`", "\\`") + "`"

"""What an export may hold: a closed list of columns, any property, any looked-up attribute; each with its type."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from shared.query.fields import LOOKUP_PREFIX, PROPERTY_PREFIX, field
from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "json", "time", "bool", "number", "map"]
MOST_COLUMNS = 200

_TIMES = {"timestamp": "timestamp", "received_at": "received_at", "sent_at": "sent_at"}
_JSONS = {"properties": "properties_raw", "context": "context_raw"}
_IDS = {"event_id": "toString(event_id)", "batch_id": "toString(batch_id)"}

# In the order of an event as query_events shows it.
NAMES = (
    "event_id",
    "event",
    "timestamp",
    "received_at",
    "sent_at",
    "user_id",
    "anonymous_id",
    "session_id",
    "client_id",
    "batch_id",
    "properties",
    "context",
    "url",
    "hostname",
    "path",
    "referrer",
    "referrer_domain",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "channel",
    "browser",
    "browser_version",
    "os",
    "os_version",
    "device",
    "country",
    "ip",
    "bot",
    "bot_reason",
    "library",
    "library_version",
    "revenue",
    "currency",
    "lookups",
)


class Column(msgspec.Struct, frozen=True):
    """One column of an export: its name, its SQL and what its values are."""

    name: str
    sql: str
    kind: Kind


def columns(names: Sequence[str]) -> list[Column]:
    """The columns of those names, all of NAMES without any; refuses unknown and repeated ones (`unknown_field`)."""
    if len(names) > MOST_COLUMNS:
        raise Rejected(Refusal.BAD_REQUEST, f"{len(names)} columns; at most {MOST_COLUMNS}")
    for name in names:
        if names.count(name) > 1:
            raise Rejected(Refusal.BAD_REQUEST, f"the column {name!r} is there twice")
    return [_column(name) for name in names or NAMES]


def _column(name: str) -> Column:
    if name in _TIMES:
        return Column(name, _TIMES[name], "time")
    if name in _JSONS:
        return Column(name, _JSONS[name], "json")
    if name in _IDS:
        return Column(name, _IDS[name], "text")
    if name == "bot":
        return Column(name, "bot", "bool")
    if name == "revenue":
        return Column(name, "revenue", "number")
    if name == "lookups":
        return Column(name, "lookups", "map")
    if name in NAMES:
        return Column(name, f"nullIf(toString({name}), '')", "text")
    if name.startswith((PROPERTY_PREFIX, LOOKUP_PREFIX)):
        found = field(name)
        return Column(name, f"if({found.present}, toNullable({found.text}), NULL)", "text")
    raise Rejected(
        Refusal.UNKNOWN_FIELD,
        f"{name[:80]!r} is not a column ({', '.join(NAMES)}) nor properties.<name> nor lookups.<table>.<attribute>",
    )


def select_list(wanted: Sequence[Column], *, as_json: bool = False) -> str:
    """The columns as SQL, named by number; or their values as texts of JSON, null where absent."""
    values = [_JSON_TEXTS[column.kind].format(column.sql) if as_json else column.sql for column in wanted]
    return ", ".join(f"{value} AS c{number}" for number, value in enumerate(values))


# The engine writes JSON many times as fast as Python does from its values.
_JSON_TEXTS: dict[Kind, str] = {
    "text": "ifNull(toJSONString({0}), 'null')",
    "json": "{0}",
    "time": """ifNull(concat('"', formatDateTime({0}, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC'), '"'), 'null')""",
    "bool": "if({0}, 'true', 'false')",
    "number": "ifNull(toJSONString({0}), 'null')",
    "map": "toJSONString({0})",
}


def schema(wanted: Sequence[Column]) -> "pa.Schema":
    """The columns as the typed schema of Arrow and Parquet."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "json": pa.string(),
        "time": pa.timestamp("us", tz="UTC"),
        "bool": pa.bool_(),
        "number": pa.float64(),
        "map": pa.map_(pa.string(), pa.string()),
    }
    return pa.schema([pa.field(column.name, types[column.kind]) for column in wanted])


def described(wanted: Sequence[Column]) -> list[dict[str, str]]:
    """The columns for people and manifests."""
    kinds = {
        "text": "string",
        "json": "JSON text",
        "time": "timestamp (UTC, µs)",
        "bool": "boolean",
        "number": "double",
    }
    return [{"name": column.name, "type": kinds.get(column.kind, "map of strings")} for column in wanted]

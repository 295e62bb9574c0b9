"""Reference tables: what a project knows of the values in its events, such as a product's name by its number.

A table belongs to one field of an event; ingest looks each event's value up and stores the attributes it finds as
`lookups.<table>.<attribute>`. A change counts for events that arrive after it, never for stored ones.
"""

import re
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from shared.catalog.client import Catalog
from shared.ids import uuid7
from shared.query.fields import COLUMNS, PROPERTY_PREFIX, field
from shared.refusals import Refusal, Rejected

MOST_ROWS = 100_000
MOST_TABLES = 20
MOST_ATTRIBUTES = 20
MOST_CHARACTERS = 500
MOST_BYTES = 8 * 1024 * 1024

# The columns of an event that hold a text as it was sent or found out.
FIELDS = frozenset(name for name, sql in COLUMNS.items() if name == sql)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

Value = str | int | float | bool | None
Rows = Mapping[str, Mapping[str, Value]]


class ReferenceTable(msgspec.Struct, frozen=True):
    """A table with its content: `field` is what of an event is looked up, `rows` the attributes of each key."""

    name: str
    field: str
    version: uuid.UUID
    rows: dict[str, dict[str, str]]


class ReferenceTableInfo(msgspec.Struct, frozen=True):
    """A table without its content; every change gives it another version."""

    name: str
    field: str
    version: uuid.UUID
    row_count: int
    updated_at: datetime


_decode_rows = msgspec.json.Decoder(dict[str, dict[str, str]]).decode


async def put_table(
    catalog: Catalog, project_id: uuid.UUID, name: str, of_field: str, rows: Rows
) -> ReferenceTableInfo:
    """Make the table of that name, or replace it with all its rows; functions see it within 30 seconds.

    `of_field` is a text column (`country`) or `properties.<path>`. Attributes become texts; null and empty ones are
    left out. Raises Rejected (BAD_REFERENCE_TABLE, UNKNOWN_FIELD), CatalogRefusedError for an unknown project.
    """
    if not _NAME.fullmatch(name):
        raise _bad(f"a table's name is up to 63 of a-z, 0-9 and _, a letter first, not {name[:80]!r}")
    field(of_field)
    if of_field not in FIELDS and not of_field.startswith(PROPERTY_PREFIX):
        raise _bad(f"{of_field!r} cannot be looked up; take properties.<name> or one of {', '.join(sorted(FIELDS))}")
    content = _content(rows)
    parameters = {"project_id": project_id, "name": name, "field": of_field, "version": uuid7(), "content": content}
    limits = {"row_count": len(rows), "most_rows": MOST_ROWS, "most_tables": MOST_TABLES}
    found = await catalog.rows("put_reference_table", {**parameters, **limits})
    if not found:
        raise _bad(f"a project has at most {MOST_TABLES} tables with {MOST_ROWS} rows in all; remove one first")
    return ReferenceTableInfo(**found[0])


async def list_tables(catalog: Catalog, project_id: uuid.UUID) -> list[ReferenceTableInfo]:
    """A project's tables by name."""
    rows = await catalog.rows("list_reference_tables", {"project_id": project_id})
    return [ReferenceTableInfo(**row) for row in rows]


async def read_tables(
    catalog: Catalog, project_id: uuid.UUID, known: Collection[uuid.UUID] = ()
) -> list[ReferenceTable]:
    """A project's tables with their content, by name, but for those whose version is `known`."""
    rows = await catalog.rows("read_reference_tables", {"project_id": project_id, "known": list(known)})
    return [
        ReferenceTable(row["name"], row["field"], row["version"], rows=_decode_rows(row["content"])) for row in rows
    ]


async def remove_table(catalog: Catalog, project_id: uuid.UUID, name: str) -> bool:
    """Remove a table; False where there is none of that name."""
    return bool(await catalog.rows("remove_reference_table", {"project_id": project_id, "name": name}))


def _content(rows: Rows) -> str:
    if not rows:
        raise _bad("it has no rows")
    if len(rows) > MOST_ROWS:
        raise _bad(f"{len(rows)} rows; at most {MOST_ROWS}")
    content = msgspec.json.encode({key: _attributes(key, values) for key, values in rows.items()})
    if len(content) > MOST_BYTES:
        raise _bad(f"{len(content)} bytes; at most {MOST_BYTES}")
    return content.decode()


def _attributes(key: str, values: Mapping[str, Value]) -> dict[str, str]:
    if not key or len(key) > MOST_CHARACTERS:
        raise _bad(f"a key has 1 to {MOST_CHARACTERS} characters, not {key[:80]!r}")
    if len(values) > MOST_ATTRIBUTES:
        raise _bad(f"row {key[:80]!r} has {len(values)} attributes; at most {MOST_ATTRIBUTES}")
    texts = {name: _text(value) for name, value in values.items()}
    for name, text in texts.items():
        if not name or not name.isprintable() or len(name) > MOST_CHARACTERS // 5:
            raise _bad(f"row {key[:80]!r}: an attribute's name is up to 100 printable characters, not {name[:80]!r}")
        if len(text) > MOST_CHARACTERS or "\0" in key + text:
            raise _bad(f"row {key[:80]!r}: {name!r} is up to {MOST_CHARACTERS} characters without a null character")
    return {name: text for name, text in texts.items() if text}


def _text(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _bad(detail: str) -> Rejected:
    return Rejected(Refusal.BAD_REFERENCE_TABLE, detail)

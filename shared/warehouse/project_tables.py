"""What a project's login sees in place of the warehouse's tables: its own rows, each once, and a small catalogue.

Every relation is a whole SELECT in the engine's own spelling. `project_id` is filtered by an explicit PREWHERE: it is
a key column, so FINAL stays exact, and no expression of the asker is evaluated on a row before that filter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from uuid import UUID

DATABASE = "sluice"

_EVENT = ["event", "user_id", "anonymous_id", "session_id", "timestamp", "event_id", "client_id", "sent_at"]
_EVENT += ["received_at", "batch_id", "properties_raw", "context_raw"]
_CONTEXT = ["url", "hostname", "path", "referrer", "referrer_domain"]
_CONTEXT += ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "channel"]
_CONTEXT += ["browser", "browser_version", "os", "os_version", "device", "country", "ip", "bot", "bot_reason"]
_CONTEXT += ["library", "library_version", "revenue", "currency", "lookups"]
_REFUSED = ["project_id", "batch_id", "position", "received_at", "reason", "detail", "raw", "raw_encoding"]
# Read anew: a stored JSON column carries the paths, and each path the types, of all projects of its part, and the
# binary formats give them away. Out of the text where all of it is wanted, which takes 3 µs a row; else path by path.
_PROPERTIES = "CAST(properties_raw, 'JSON') AS properties"


def _property(path: tuple[str, ...]) -> str:
    stored = ".".join(f"`{part}`" for part in path)
    name = ".".join(("properties", *path))
    return f"JSONExtract(ifNull(toJSONString(properties.{stored}), 'null'), 'Dynamic') AS `{name}`"


@dataclass(frozen=True)
class Wanted:
    """What a statement names: every identifier in it, and the paths of properties if it wants nothing else of them.

    Parts of a path hold no quote and no backslash.
    """

    names: frozenset[str] = frozenset()
    paths: frozenset[tuple[str, ...]] | None = None
    computed: Mapping[str, str] = field(default_factory=dict)
    """Further columns of events by their name, and the SQL of each in terms of the table's own."""


@dataclass(frozen=True)
class Table:
    """A project's table: its columns, and those that are there only where a statement names them."""

    columns: tuple[str, ...]
    by_name: frozenset[str] = field(default_factory=frozenset)

    def select(self, name: str, project_id: UUID, wanted: Wanted, database: str = DATABASE) -> str:
        """The rows of one project, each once, out of the `database` they are stored in."""
        columns = [*self.columns, *sorted(self.by_name & wanted.names)]
        if _PROPERTIES in columns and wanted.paths is not None:
            columns.remove(_PROPERTIES)
            columns += [_property(path) for path in sorted(wanted.paths)]
        if name == "events":
            columns += [f"{sql} AS {given}" for given, sql in wanted.computed.items() if given in wanted.names]
        source = f"FROM {database}.{name} FINAL PREWHERE project_id = toUUID('{project_id}')"
        return f"SELECT {', '.join(columns)} {source}"


TABLES: Mapping[str, Table] = MappingProxyType(
    {
        "events": Table(
            ("project_id", *_EVENT, _PROPERTIES, *_CONTEXT), frozenset({"user_key", "event_type", "metadata"})
        ),
        "rejected_events": Table((*_REFUSED, "source", "key_prefix", "event", "request_id")),
        "batches": Table(
            (
                "project_id",
                "batch_id",
                "partition",
                "position",
                "rows",
                "rejected",
                "eventcount",
                "resent",
                "received_at",
                "stored_at",
            )
        ),
    }
)

_NAMES = ", ".join(f"'{name}'" for name in TABLES)
_UNKNOWN = "CAST(NULL, 'Nullable(UInt64)')"

# What SQL clients ask about the server when they connect, draw their tree of tables and complete names. Sizes and
# row counts are of all projects together, so they are not told.
CATALOGUE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("system", "one"): "SELECT dummy FROM system.one",
        ("system", "databases"): (
            f"SELECT name, engine, uuid, engine AS engine_full, comment FROM system.databases WHERE name = '{DATABASE}'"
        ),
        ("system", "tables"): (
            "SELECT database, name, uuid, engine, is_temporary, metadata_modification_time, engine AS engine_full,"
            " '' AS create_table_query, '' AS as_select, partition_key, sorting_key, primary_key, sampling_key,"
            f" storage_policy, {_UNKNOWN} AS total_rows, {_UNKNOWN} AS total_bytes, comment, has_own_data"
            f" FROM system.tables WHERE (database = '{DATABASE}') AND (name IN ({_NAMES}))"
        ),
        ("system", "columns"): (
            "SELECT database, `table`, name, type, position, default_kind, default_expression, comment,"
            " is_in_partition_key, is_in_sorting_key, is_in_primary_key, is_in_sampling_key, compression_codec,"
            " character_octet_length, numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision"
            f" FROM system.columns WHERE (database = '{DATABASE}') AND (`table` IN ({_NAMES}))"
        ),
        ("system", "functions"): (
            "SELECT name, is_aggregate, case_insensitive, alias_to, description, syntax FROM system.functions"
        ),
        ("system", "data_type_families"): "SELECT name, case_insensitive, alias_to FROM system.data_type_families",
        ("system", "settings"): (
            "SELECT name, value, changed, description, min, max, readonly, type FROM system.settings"
            " WHERE name != 'additional_table_filters'"
        ),
        ("information_schema", "schemata"): (
            "SELECT catalog_name, schema_name, schema_owner FROM information_schema.schemata"
            f" WHERE schema_name = '{DATABASE}'"
        ),
        ("information_schema", "tables"): (
            "SELECT table_catalog, table_schema, table_name, table_type, table_comment FROM information_schema.tables"
            f" WHERE (table_schema = '{DATABASE}') AND (table_name IN ({_NAMES}))"
        ),
        ("information_schema", "columns"): (
            "SELECT table_catalog, table_schema, table_name, column_name, ordinal_position, column_default,"
            " is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale,"
            " datetime_precision, column_type, column_comment FROM information_schema.columns"
            f" WHERE (table_schema = '{DATABASE}') AND (table_name IN ({_NAMES}))"
        ),
    }
)


def relation(database: str, name: str, project_id: UUID, wanted: Wanted, stored_in: str = DATABASE) -> str | None:
    """The SELECT that stands for a table of `sluice`, `system` or `information_schema`; None for any other.

    The engine may have the tables of `sluice` stored in a database of another name.
    """
    if database == DATABASE:
        table = TABLES.get(name)
        return table.select(name, project_id, wanted, stored_in) if table is not None else None
    return CATALOGUE.get((database, name))

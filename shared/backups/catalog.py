"""The catalog to files and back: one snapshot of every table, as COPY writes it. Everything here blocks."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.backups import BackupError, CatalogTable, Manifest, files_of
from shared.backups.storage import Storage
from shared.catalog.client import CatalogUnavailableError

if TYPE_CHECKING:
    from psycopg import Connection

_CONNECT_SECONDS = 10
_CHUNK = 1024 * 1024
_NOT_DATA = frozenset({"alembic_version"})
_TABLES = """
SELECT c.relname AS name FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname
"""
# What COPY takes: generated columns are made anew.
_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
_PARENTS = """
SELECT DISTINCT conrelid::regclass::text AS child, confrelid::regclass::text AS parent FROM pg_constraint
WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid
"""
_SEQUENCES = """
SELECT sequencename AS name, last_value AS value FROM pg_sequences
WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY sequencename
"""


class Dumped(NamedTuple):
    """The catalog in files, its revision, and where its sequences were."""

    revision: str
    tables: list[CatalogTable]
    sequences: dict[str, int]


def dump(url: str, storage: Storage, copy_id: Any) -> Dumped:
    """Write every table of one snapshot to files of a copy; raises CatalogUnavailableError, BackupError."""
    with _connected(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is None:
            raise BackupError("the catalog was never migrated: there is nothing to copy")
        tables = [
            _dump_table(connection, name, storage, copy_id)
            for name in _names(connection)
            if name not in _NOT_DATA and _has_rows(connection, name)
        ]
        sequences = {name: int(value) for name, value in connection.execute(_SEQUENCES)}
        return Dumped(str(row[0]), tables, sequences)


def rows_there(url: str) -> dict[str, int]:
    """How many rows each table has, of those that have any; {} for a catalog without tables."""
    from psycopg import sql

    with _connected(url) as connection:
        counts = {}
        for name in _names(connection):
            if name not in _NOT_DATA:
                query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))
                [counts[name]] = connection.execute(query).fetchone() or (0,)
        return {name: count for name, count in counts.items() if count}


class Loading:
    """A restore of the catalog under way: nothing of it can be seen until the block ends."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self.connection = connection

    def load(self, manifest: Manifest, storage: Storage) -> None:
        """Fill every table, parents first."""
        from psycopg import sql

        present = {table.table: table for table in manifest.catalog}
        order = _in_order(self.connection, [name for name in _names(self.connection) if name not in _NOT_DATA])
        for name in reversed(order):
            identifier = sql.Identifier(name)
            self.connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(identifier))
            self.connection.execute(sql.SQL("DELETE FROM {}").format(identifier))  # what a migration puts there
        for name in order:
            if name in present:
                self._load_table(present[name], storage)
            self.connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(sql.Identifier(name)))
        for name, value in manifest.sequences.items():
            self.connection.execute("SELECT setval(%s::regclass, %s)", (name, value))

    def _load_table(self, table: CatalogTable, storage: Storage) -> None:
        from psycopg import sql

        columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.table), columns)
        inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        with self.connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for data in storage.chunks(table.file):
                    copy.write(inflate.decompress(data))
                copy.write(inflate.flush())
            if cursor.rowcount != table.rows:
                raise BackupError(f"{table.file.key} has {cursor.rowcount} rows, the manifest says {table.rows}")


@contextmanager
def loading(url: str) -> Iterator[Loading]:
    """One transaction that ends with the block; raises CatalogUnavailableError."""
    with _connected(url) as connection:
        yield Loading(connection)


@contextmanager
def _connected(url: str) -> "Iterator[Connection[Any]]":
    import psycopg

    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise CatalogUnavailableError("the catalog is away") from error


def _names(connection: "Connection[Any]") -> list[str]:
    return [name for (name,) in connection.execute(_TABLES)]


def _has_rows(connection: "Connection[Any]", name: str) -> bool:
    from psycopg import sql

    found = connection.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name))).fetchone()
    return bool(found and found[0])


def _dump_table(connection: "Connection[Any]", name: str, storage: Storage, copy_id: Any) -> CatalogTable:
    from psycopg import sql

    columns = [column for (column,) in connection.execute(_COLUMNS, (name,))]
    statement = sql.SQL("COPY {} ({}) TO STDOUT").format(
        sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with storage.writer(f"{files_of(copy_id)}catalog/{name}.copy.gz") as sink, connection.cursor() as cursor:
        deflate = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
        with cursor.copy(statement) as copy:
            for data in copy:
                sink.write(deflate.compress(bytes(data)))
        sink.write(deflate.flush())
        rows = cursor.rowcount
    return CatalogTable(name, columns, rows, sink.file)


def _in_order(connection: "Connection[Any]", names: Sequence[str]) -> list[str]:
    """Parents before the tables that refer to them."""
    from graphlib import TopologicalSorter

    sorter: TopologicalSorter[str] = TopologicalSorter({name: set() for name in names})
    for child, parent in connection.execute(_PARENTS):
        if child in names and parent in names:
            sorter.add(child, parent)
    return list(sorter.static_order())

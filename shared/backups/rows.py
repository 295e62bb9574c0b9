"""Tables of the warehouse to Parquet files and back, in bounded memory.

A table is read with FINAL, so each row is in the file once. Beside each row the warehouse says its hash; the sum of
them is the same wherever the rows are the same, which is how a restore proves itself. What is not async here blocks.
"""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from shared.backups import BackupError, CopyFile, Manifest, Unit, files_of
from shared.backups.storage import Storage
from shared.query.parameters import Parameters
from shared.warehouse.client import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

# Made anew from the others: counts and sessions by rollup, who is who by the events as they are written.
DERIVED = frozenset(
    {"rollup_counts", "rollup_hours", "user_sessions", "daily_metrics", "identity_events", "batch_places"}
)
# Not part of what an instance knows: which migrations it has, and numbers of a bus that stays where it is.
_LEFT_OUT = frozenset({"schema_migrations", "removed_projects"})
# Tables that grow with what is received are copied by month.
MONTHLY: Mapping[str, str] = {
    "events": "timestamp",
    "batches": "received_at",
    "rejected_events": "received_at",
    "rejected_replays": "received_at",
}
# A copy may take its time, and spills to disk.
READ_LIMITS: Mapping[str, Any] = {
    "max_memory_usage": 1024**3,
    "max_execution_time": 3_600,
    "timeout_overflow_mode": "throw",
    "max_bytes_before_external_sort": 256 * 1024**2,
    "max_bytes_before_external_group_by": 256 * 1024**2,
}
SOCKET_SECONDS = 3_700
_GROUP_ROWS = 100_000
_WRAP = 1 << 64
_ARROW = (
    "SETTINGS max_block_size = 20000, preferred_block_size_bytes = 16000000, output_format_arrow_string_as_string = 1,"
    " output_format_arrow_compression_method = 'none', output_format_arrow_low_cardinality_as_dictionary = 0"
)
_TABLES = """
SELECT name, engine FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name
"""
_COLUMNS = """
SELECT name FROM system.columns
WHERE database = currentDatabase() AND table = {table:String}
    AND default_kind IN ('', 'DEFAULT') AND NOT startsWith(type, 'JSON')
ORDER BY position
"""
_EVENT_MONTHS = """
SELECT month, max(seen)
FROM
(
    SELECT
        toYYYYMM(hour) AS month,
        concat(toString(count()), ':', toString(sum(cityHash64(project_id, hour, version)))) AS seen
    FROM (SELECT project_id, hour, sum(changes) AS version FROM hour_changes GROUP BY project_id, hour)
    GROUP BY month
    UNION ALL
    SELECT DISTINCT toYYYYMM(timestamp) AS month, '' AS seen FROM events
)
GROUP BY month ORDER BY month
"""


class Part(NamedTuple):
    """What a unit is made from: a table or a month of it, and the version by which a change would show."""

    table: str
    month: int
    columns: list[str]
    final: bool
    version: str

    @property
    def name(self) -> str:
        return f"{self.table}-{self.month}" if self.month else self.table


async def parts_of(warehouse: Warehouse) -> list[Part]:
    """Everything that is to be copied, as it is now; of events the version is the hour ledger's."""
    found = []
    await warehouse.sync("hour_changes")
    for table, engine in (await warehouse.query(_TABLES)).rows:
        if table in DERIVED or table in _LEFT_OUT:
            continue
        await warehouse.sync(table)
        columns = [name for (name,) in (await warehouse.query(_COLUMNS, {"table": table})).rows]
        plain = Part(table, 0, columns, _collapses(engine), "")
        for month, seen in await _months(warehouse, plain):
            part = plain._replace(month=month)
            found.append(part._replace(version=seen or await _seen(warehouse, part)))
    return found


def _collapses(engine: str) -> bool:
    """Whether a table's rows are put together, so that FINAL has a meaning."""
    return engine.removeprefix("Replicated") != "MergeTree"


async def _months(warehouse: Warehouse, part: Part) -> list[tuple[int, str]]:
    if part.table == "events":
        return [(int(month), str(seen)) for month, seen in (await warehouse.query(_EVENT_MONTHS)).rows]
    if part.table not in MONTHLY:
        return [(0, "")]
    column = MONTHLY[part.table]
    sql = f"SELECT DISTINCT toYYYYMM({column}) AS month FROM {part.table} ORDER BY month"
    return [(int(month), "") for (month,) in (await warehouse.query(sql)).rows]


async def _seen(warehouse: Warehouse, part: Part) -> str:
    rows, total = await fingerprint(warehouse, part)
    return f"{rows}:{total}"


async def fingerprint(warehouse: Warehouse, part: Part) -> tuple[int, int]:
    """How many rows a part has, and the sum of their hashes."""
    where, parameters = _where(part)
    sql = f"SELECT count(), sum({_hash(part.columns)}) FROM {_from(part)} {where}"
    [[rows, total]] = (await warehouse.query(sql, parameters)).rows
    return int(rows), int(total)


def part_of(unit: Unit, *, final: bool = True) -> Part:
    """What a unit is a copy of."""
    return Part(unit.table, unit.month, unit.columns, final, unit.version)


def unchanged(part: Part, before: Manifest | None) -> Unit | None:
    """The unit of an earlier copy that is still what the part is."""
    for unit in before.units if before else ():
        same = (unit.table, unit.month, unit.columns) == (part.table, part.month, part.columns)
        if same and unit.version == part.version:
            return unit
    return None


def dump(warehouse: Warehouse, part: Part, storage: Storage, copy_id: Any) -> Unit:
    """Write a part to a file of a copy; raises BackupError, UnavailableError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    where, parameters = _where(part)
    names = ", ".join(f"`{name}`" for name in part.columns)
    sql = f"SELECT {names}, {_hash(part.columns)} AS row_hash FROM {_from(part)} {where} {_ARROW}"
    key = f"{files_of(copy_id)}warehouse/{part.name}.parquet"

    def consume(stream: IO[bytes]) -> Unit:
        with pa.ipc.open_stream(stream) as reader:
            tables = _grouped(reader)
            first = next(tables, None)
            if first is None:
                return _unit(part, 0, 0, None)
            rows = total = 0
            schema = first.select(part.columns).schema
            with (
                storage.writer(key) as sink,
                pq.ParquetWriter(pa.PythonFile(sink, "w"), schema, compression="zstd") as writer,
            ):
                for table in itertools.chain([first], tables):
                    rows += table.num_rows
                    total = (total + _sum(table.column("row_hash"))) % _WRAP
                    writer.write_table(table.select(part.columns))
        return _unit(part, rows, total, sink.file)

    return warehouse.read(sql, parameters, "ArrowStream", consume)


def _unit(part: Part, rows: int, total: int, file: CopyFile | None) -> Unit:
    return Unit(
        table=part.table,
        month=part.month,
        columns=part.columns,
        rows=rows,
        hash=total,
        version=part.version,
        file=file,
    )


def load(warehouse: Warehouse, unit: Unit, storage: Storage) -> None:
    """Insert the rows of a unit; raises BackupError for a file that is none, WarehouseError, UnavailableError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if unit.file is None:
        return
    try:
        with storage.open(unit.file) as file:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_GROUP_ROWS):
                buffer = io.BytesIO()
                with pa.ipc.new_stream(buffer, batch.schema) as writer:
                    writer.write_batch(batch)
                warehouse.insert_arrow(unit.table, unit.columns, buffer.getvalue())
    except pa.ArrowException as error:
        raise BackupError(f"{unit.file.key} is no Parquet file any more: {error}") from error


def _grouped(reader: "pa.RecordBatchReader") -> "Iterator[pa.Table]":
    """Blocks of the stream put together, so that row groups compress well."""
    import pyarrow as pa

    held: list[Any] = []
    rows = 0
    for batch in reader:
        held.append(batch)
        rows += batch.num_rows
        if rows >= _GROUP_ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


def _sum(column: "pa.ChunkedArray") -> int:
    """Modulo 2^64, as the warehouse adds."""
    import pyarrow.compute as pc

    return int(pc.sum(column).as_py() or 0)


def _hash(columns: Sequence[str]) -> str:
    return f"cityHash64(toString(tuple({', '.join(f'`{name}`' for name in columns)})))"


def _from(part: Part) -> str:
    return f"{part.table} FINAL" if part.final else part.table


def _where(part: Part) -> tuple[str, dict[str, Any]]:
    if not part.month:
        return "", {}
    parameters = Parameters()
    column = MONTHLY[part.table]
    year, month = divmod(part.month, 100)
    after = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 (December)
    start = parameters.bind("DateTime64(6, 'UTC')", f"{year:04}-{month:02}-01 00:00:00")
    end = parameters.bind("DateTime64(6, 'UTC')", f"{after[0]:04}-{after[1]:02}-01 00:00:00")
    return f"WHERE {column} >= {start} AND {column} < {end}", parameters.values

"""Windows of an export and what the warehouse says of them. Everything here blocks and runs in the export's threads."""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from functions.export.asked import Key
from shared.clock import to_datetime, to_micros
from shared.query.filters import Filter
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, scope
from shared.warehouse.client import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

HOUR = 3_600_000_000
_HERE = Path(__file__).parent
# An export may take its time and spill to disk; its parts are cut so that none needs more.
READ_LIMITS: Mapping[str, Any] = {
    "max_memory_usage": 1024**3,
    "max_execution_time": 300,
    "timeout_overflow_mode": "throw",
    "max_bytes_before_external_sort": 256 * 1024**2,
    "max_bytes_before_external_group_by": 256 * 1024**2,
    "result_overflow_mode": "throw",
}
_BATCH_ROWS = 10_000
_ARROW_SETTINGS = (
    f"SETTINGS max_block_size = {_BATCH_ROWS}, output_format_arrow_compression_method = 'none',"
    " output_format_arrow_string_as_string = 1, output_format_json_escape_forward_slashes = 0,"
    " preferred_block_size_bytes = 16000000"
)


class Window(msgspec.Struct, frozen=True, array_like=True):
    """A part of an export: from `start` to `end` (µs), of these the events of shard `shard` of `shards`."""

    start: int
    end: int
    shard: int = 0
    shards: int = 1


class Events(msgspec.Struct, frozen=True):
    """Which events: a project's, with the conditions of a request."""

    project_id: uuid.UUID
    period: Period
    events: list[str]
    filters: list[Filter]

    def where(self, parameters: Parameters, window: Window | None = None) -> str:
        """The WHERE of these events, or of those in a window."""
        period = self.period
        if window is not None:
            period = Period(to_datetime(window.start), to_datetime(window.end), period.zone)
        sql = scope(self.project_id, period, parameters, events=self.events, filters=self.filters)
        if window is not None and window.shards > 1:
            shards, shard = parameters.bind("UInt32", window.shards), parameters.bind("UInt32", window.shard)
            sql += f"\n    AND cityHash64(event_id) % {shards} = {shard}"
        return sql


def _rows(warehouse: Warehouse, sql: str, parameters: Parameters) -> list[list[Any]]:
    """A small answer."""

    def read(stream: IO[bytes]) -> list[list[Any]]:
        return [msgspec.json.decode(line) for line in stream.read().splitlines()]

    settings = "SETTINGS output_format_json_quote_64bit_integers = 0"
    return warehouse.read(f"{sql}\n{settings}", parameters.values, "JSONCompactEachRow", read)


def plan(warehouse: Warehouse, events: Events, *, rows: int, size: int) -> list[Window]:
    """The range cut into windows of about at most so many rows and bytes, without a gap between them.

    Whole hours stand together while they fit; an hour that alone does not is cut by the ids of its events.
    """
    parameters = Parameters()
    sql = read_sql(_HERE, "hours", scope=events.where(parameters))
    return cut(_rows(warehouse, sql, parameters), events.period, rows=rows, size=size)


def cut(hours: Sequence[Sequence[int]], period: Period, *, rows: int, size: int) -> list[Window]:
    """The windows of hours given as (hour, rows, bytes), in order; one window where there is no hour."""
    start, end = to_micros(period.start), to_micros(period.end)
    found: list[Window] = []
    begun, held_rows, held_size = start, 0, 0
    for hour, hour_rows, hour_size in hours:
        first, after = max(hour * HOUR, start), min((hour + 1) * HOUR, end)
        if held_rows and (held_rows + hour_rows > rows or held_size + hour_size > size):
            found.append(Window(begun, first))
            begun, held_rows, held_size = first, 0, 0
        shards = max(-(-hour_rows // rows), -(-hour_size // size))
        if shards > 1:
            if begun < first:
                found.append(Window(begun, first))
            found += [Window(first, after, shard, shards) for shard in range(shards)]
            begun = after
        else:
            held_rows, held_size = held_rows + hour_rows, held_size + hour_size
    if begun < end or not found:
        found.append(Window(begun, end))
    return found


class Versions:
    """The hour ledger of a range at one moment."""

    def __init__(self, hours: Mapping[int, int]) -> None:
        self._hours = hours

    def of(self, window: Window) -> int:
        """The version of a window: the sum over the hours it touches."""
        first, last = window.start // HOUR * 3_600, -(-window.end // HOUR) * 3_600
        return sum(changes for hour, changes in self._hours.items() if first <= hour < last)

    @property
    def all(self) -> int:
        return sum(self._hours.values())


def versions(warehouse: Warehouse, project_id: uuid.UUID, start: int, end: int) -> Versions:
    """The versions of the hours between two times in µs."""
    parameters = Parameters()
    sql = read_sql(
        _HERE,
        "versions",
        project=parameters.bind("UUID", str(project_id)),
        start=parameters.bind("Int64", start // HOUR * 3_600),
        end=parameters.bind("Int64", -(-end // HOUR) * 3_600),
    )
    return Versions(dict(_rows(warehouse, sql, parameters)))


def count(warehouse: Warehouse, events: Events, window: Window) -> int:
    """How many events a window has now."""
    parameters = Parameters()
    [[found]] = _rows(warehouse, read_sql(_HERE, "count", scope=events.where(parameters, window)), parameters)
    return int(found)


def read_batches(
    warehouse: Warehouse,
    events: Events,
    selected: str,
    window: Window,
    take: Callable[["pa.RecordBatch"], None],
) -> None:
    """Give `take` the rows of a window, batch by batch, in their order; `selected` is of `select_list`."""
    parameters = Parameters()
    sql = read_sql(_HERE, "rows", columns=selected, scope=events.where(parameters, window), limit=_ARROW_SETTINGS)

    def consume(stream: IO[bytes]) -> None:
        for batch in _batches(stream):
            take(batch)

    warehouse.read(sql, parameters.values, "ArrowStream", consume)


def read_page(warehouse: Warehouse, events: Events, selected: str, after: Key | None, limit: int) -> "pa.Table":
    """The first rows after a key, at most `limit`; behind the columns those of Key."""
    import pyarrow as pa

    parameters = Parameters()
    where = events.where(parameters)
    if after is not None:
        where += f"\n    AND {_after(after, parameters)}"
    keys = "toUnixTimestamp64Micro(timestamp) AS k0, toString(event_id) AS k1, event AS k2, cityHash64(user_key) AS k3"
    sql = read_sql(
        _HERE,
        "rows",
        columns=f"{selected}, {keys}",
        scope=where,
        limit=f"LIMIT {parameters.bind('UInt32', limit)}\n{_ARROW_SETTINGS}",
    )
    return warehouse.read(sql, parameters.values, "ArrowStream", lambda stream: pa.ipc.open_stream(stream).read_all())


def _after(key: Key, parameters: Parameters) -> str:
    bound = [
        parameters.bind("DateTime64(6, 'UTC')", str(to_datetime(key.timestamp).replace(tzinfo=None))),
        parameters.bind("UUID", str(key.event_id)),
        parameters.bind("String", key.event),
        parameters.bind("UInt64", key.user_hash),
    ]
    return f"(timestamp, event_id, event, cityHash64(user_key)) > ({', '.join(bound)})"


def from_key(period: Period, after: Key | None) -> Period:
    """The part of a range in which the rest of the list is."""
    start = period.start if after is None else max(period.start, to_datetime(after.timestamp))
    return Period(start, max(period.end, start + timedelta(microseconds=1)), period.zone)


def _batches(stream: IO[bytes]) -> Iterator["pa.RecordBatch"]:
    import pyarrow as pa

    yield from pa.ipc.open_stream(stream)

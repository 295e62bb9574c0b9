"""The client every function uses for the warehouse, on clickhouse-connect.

Queries and inserts run in threads: the library's synchronous client starts faster than its asyncio one and a
function has few statements at once. Settings that keep answers exact are pinned here, in one place. A query whose
caller is cancelled is ended in the warehouse, too.
"""

import asyncio
import functools
import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar, cast
from urllib.parse import parse_qs, unquote, urlsplit

from shared.refusals import Refusal, Rejected, UnavailableError
from shared.tracing import span

if TYPE_CHECKING:
    from collections.abc import Callable

    from clickhouse_connect.driver.client import Client

P = ParamSpec("P")
T = TypeVar("T")

# FINAL is wrong without the first two (DESIGN §5); the third makes it cheap on merged weekly partitions.
READ_SETTINGS: Mapping[str, Any] = {
    "use_skip_indexes_if_final_exact_mode": 1,
    "optimize_move_to_prewhere_if_final": 0,
    "do_not_merge_across_partitions_select_final": 1,
}
# What one query may take. Each ends in an error and never in a part of the answer; the time ends before our own wait.
# Groups and sorted rows that need more than half of the memory go to the disk.
READ_LIMITS: Mapping[str, Any] = {
    "max_memory_usage": 1024**3,
    "max_bytes_before_external_group_by": 512 * 1024**2,
    "max_bytes_before_external_sort": 512 * 1024**2,
    "max_execution_time": 25,
    "timeout_overflow_mode": "throw",
    "max_result_rows": 1_000_000,
    "result_overflow_mode": "throw",
}
# Dates in texts stay texts, a block is written before it is acknowledged, an import may span many weeks, and an
# unknown column is an error instead of a silent loss.
WRITE_SETTINGS: Mapping[str, Any] = {
    "async_insert": 0,
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
    "input_format_skip_unknown_fields": 0,
    "max_partitions_per_insert_block": 0,
    "insert_deduplicate": 0,
    "distributed_foreground_insert": 1,
}

# Deletions are patches beside the parts, there at once; a repeated INSERT … SELECT is never taken for a duplicate.
_CHANGE_SETTINGS: Mapping[str, Any] = {
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    "lightweight_delete_mode": "lightweight_update",
    "enable_lightweight_update": 1,
}

# On a cluster an insert is there once most replicas have it: what one of them loses is not lost.
QUORUM_SETTINGS: Mapping[str, Any] = {"insert_quorum": "auto", "insert_quorum_timeout": 20_000}

# Error codes that speak of the data itself: parsing, type, value and JSON faults. Only these make an insert final.
CONTENT_CODES = frozenset({6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 321, 349, 376, 407, 441, 691})


class WarehouseUnavailableError(UnavailableError):
    """The warehouse is away, slow or overloaded; the statement may or may not have happened."""


class WarehouseError(Exception):
    """The warehouse refused a statement; `code` is ClickHouse's error code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def about_content(self) -> bool:
        """Whether the data sent is at fault, so that sending it again can never succeed."""
        return self.code in CONTENT_CODES


class Answer(NamedTuple):
    """A query's column names, rows and how many rows the warehouse read for it."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    rows_read: int

    @property
    def value(self) -> Any:
        """The first column of the only row."""
        return self.rows[0][0]


class Warehouse:
    """Runs statements; connects at the first one, so that a function can start while the warehouse is away."""

    def __init__(self, url: str, *, timeout_seconds: float = 30, read_limits: Mapping[str, Any] = READ_LIMITS) -> None:
        self._url = urlsplit(url)
        # One shard with replicas where the URL ends with `?cluster=NAME`; '' for a server of its own.
        self.cluster = parse_qs(self._url.query).get("cluster", [""])[-1]
        self.database = self._url.path.lstrip("/") or "default"
        self._timeout = timeout_seconds
        self._read_settings = {**READ_SETTINGS, **read_limits}
        self._client: Client | None = None
        self._connecting = threading.Lock()
        # Threads of its own: what is slow here holds up neither another function's statements nor the end of its own.
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, "warehouse")
        self._ending = ThreadPoolExecutor(1, "warehouse-ending")
        self._ended: set[asyncio.Task[None]] = set()

    async def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, limits: Mapping[str, Any] | None = None
    ) -> Answer:
        """Run a SELECT with bound parameters (`{name:Type}` in the SQL), within READ_LIMITS or these `limits`.

        Raises Rejected(QUERY_TOO_EXPENSIVE, with `exceeded` and `limit`) where it would take more. Being cancelled ends
        it in the warehouse.
        """
        return await self._cancellable(self._query, sql, dict(parameters or {}), dict(limits or {}))

    async def written(
        self, sql: str, parameters: Mapping[str, Any], limits: Mapping[str, Any], output_format: str
    ) -> bytes:
        """As `query`; the answer as the warehouse writes it in one of its formats, whole, with the types it has there.

        `limits` may be any settings; the answer is waited for whole, so that no error is a part of it.
        """
        return await self._cancellable(self._written, sql, dict(parameters), dict(limits), output_format)

    async def _cancellable(
        self,
        work: "Callable[Concatenate[str, dict[str, Any], dict[str, Any], P], T]",
        sql: str,
        parameters: dict[str, Any],
        limits: dict[str, Any],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        settings = {**self._read_settings, **limits, "query_id": str(uuid.uuid4())}
        running = self._start(work, sql, parameters, settings, *args, **kwargs)
        try:
            with span("warehouse.query", kind="client"):
                return await asyncio.shield(running)
        except asyncio.CancelledError:
            ending = asyncio.get_running_loop().create_task(self._end(settings["query_id"], running))
            self._ended.add(ending)
            ending.add_done_callback(self._ended.discard)
            raise

    def read(
        self,
        sql: str,
        parameters: Mapping[str, Any],
        output_format: str,
        consume: "Callable[[IO[bytes]], T]",
    ) -> T:
        """Run a SELECT and hand `consume` its answer as a stream of bytes in one of ClickHouse's formats.

        Blocks: call it in a thread of your own, as a large answer takes long. Raises as `query` does, also where the
        answer breaks off; what `consume` raises is not touched, but for the stream's own faults.
        """
        return self._translated(self._read, sql, dict(parameters), output_format, consume)

    async def change(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """Run an INSERT … SELECT or DELETE with bound parameters, which reads as exactly as `query` does.

        It may have been done in part when this raises.
        """
        with span("warehouse.change", kind="client"):
            await self._in_thread(self._change, sql, dict(parameters))

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement that answers nothing, with bound parameters where it takes any (a DELETE does)."""
        await self._in_thread(self._command, sql, dict(parameters or {}))

    async def insert_json_lines(self, table: str, lines: bytes) -> None:
        """Insert NDJSON bytes as they are; durable when it returns."""
        with span("warehouse.insert", kind="client", attributes={"db.collection.name": table}):
            await self._in_thread(self._insert, table, lines)

    def insert_arrow(self, table: str, columns: Sequence[str], stream: bytes) -> None:
        """Insert an Arrow stream of these columns; durable when it returns. Blocks and raises as `read` does."""
        self._translated(self._insert_arrow, table, list(columns), stream)

    async def sync(self, table: str) -> None:
        """On a cluster: return once the replica that answers has every row any replica had when this was called.

        Raises WarehouseUnavailableError where that takes too long.
        """
        if self.cluster:
            await self.command(f"SYSTEM SYNC REPLICA {table} LIGHTWEIGHT")

    async def ping(self) -> None:
        """Raise WarehouseUnavailableError unless the warehouse answers."""
        await self.query("SELECT 1")

    async def close(self) -> None:
        """End what nobody waits for any more, and drop the connections."""
        await asyncio.gather(*self._ended)
        if self._client is not None:
            await asyncio.to_thread(self._client.close)
            self._client = None

    async def _in_thread(self, work: "Callable[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._start(work, *args, **kwargs)

    def _start(self, work: "Callable[P, T]", *args: P.args, **kwargs: P.kwargs) -> "asyncio.Future[T]":
        call = functools.partial(self._translated, work, *args, **kwargs)
        return asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def _end(self, query_id: str, running: "asyncio.Future[Any]") -> None:
        """Kill a query until its thread is back: the warehouse may not have begun it yet."""
        loop = asyncio.get_running_loop()
        while not running.done():
            with suppress(WarehouseUnavailableError, WarehouseError):
                await loop.run_in_executor(self._ending, self._translated, self._kill, query_id)
            await asyncio.wait({running}, timeout=_KILL_AGAIN_SECONDS)
        if not running.cancelled():
            running.exception()  # looked at, so that asyncio does not report what nobody waits for

    def _translated(self, work: "Callable[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Every fault of the library as one of our two errors."""
        from clickhouse_connect.driver.exceptions import ClickHouseError
        from urllib3.exceptions import HTTPError

        try:
            return work(*args, **kwargs)
        except (ClickHouseError, HTTPError, OSError) as error:
            code = getattr(error, "code", None)
            if code is None or code in _AWAY_CODES:
                raise WarehouseUnavailableError("the warehouse is away or overloaded") from error
            raise WarehouseError(code, _engine_words(error)) from error

    def _connected(self) -> "Client":
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> "Client":
        import clickhouse_connect
        from clickhouse_connect.driver.httputil import get_pool_manager

        return clickhouse_connect.get_client(
            pool_mgr=get_pool_manager(maxsize=_MOST_AT_ONCE),
            host=self._url.hostname or "127.0.0.1",
            port=self._url.port or (8443 if self._url.scheme == "https" else 8123),
            secure=self._url.scheme == "https",
            username=unquote(self._url.username or "default"),
            password=unquote(self._url.password or ""),
            database=self.database,
            connect_timeout=2,
            send_receive_timeout=self._timeout,
            query_limit=0,
            query_retries=0,
            autogenerate_session_id=False,
            compress=False,
        )

    def _kill(self, query_id: str) -> None:
        where = f" ON CLUSTER '{self.cluster}'" if self.cluster else ""
        self._connected().command(f"KILL QUERY{where} WHERE query_id = '{query_id}' ASYNC")

    def _query(self, sql: str, parameters: dict[str, Any], settings: dict[str, Any]) -> Answer:
        with _expensive(settings):
            result = self._connected().query(sql, parameters=parameters, settings=settings)
        read = int(result.summary.get("read_rows", 0))
        return Answer(tuple(result.column_names), list(map(tuple, result.result_rows)), read)

    def _written(self, sql: str, parameters: dict[str, Any], settings: dict[str, Any], output_format: str) -> bytes:
        whole = {**settings, "wait_end_of_query": 1}
        with _expensive(settings):
            return self._connected().raw_query(sql, parameters=parameters, settings=whole, fmt=output_format)

    def _read(self, sql: str, parameters: dict[str, Any], output_format: str, consume: "Callable[[IO[bytes]], T]") -> T:
        with _expensive(self._read_settings):
            stream = self._connected().raw_stream(
                sql, parameters=parameters, settings=dict(self._read_settings), fmt=output_format
            )
        with closing(cast("IO[bytes]", stream)) as answer:
            return consume(answer)

    def _change(self, sql: str, parameters: dict[str, Any]) -> None:
        settings = {**self._read_settings, **_CHANGE_SETTINGS, **(QUORUM_SETTINGS if self.cluster else {})}
        self._connected().command(sql, parameters=parameters, settings=settings)

    def _command(self, sql: str, parameters: dict[str, Any]) -> None:
        self._connected().command(sql, parameters=parameters)

    def _insert(self, table: str, lines: bytes) -> None:
        settings = {**WRITE_SETTINGS, **(QUORUM_SETTINGS if self.cluster else {})}
        self._connected().raw_insert(table, insert_block=lines, fmt="JSONEachRow", settings=settings, compression=None)

    def _insert_arrow(self, table: str, columns: list[str], stream: bytes) -> None:
        settings = {**WRITE_SETTINGS, **(QUORUM_SETTINGS if self.cluster else {})}
        self._connected().raw_insert(
            table, column_names=columns, insert_block=stream, fmt="ArrowStream", settings=settings, compression=None
        )


# Statements at once; those beyond wait for a thread.
_MOST_AT_ONCE = 32
_KILL_AGAIN_SECONDS = 0.2

# Too many queries, timeouts, memory, network, disk, quorum and shutdown faults: the same statement may work later.
_AWAY_CODES = frozenset(
    {159, 160, 198, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 279, 285, 286, 289, 319, 394, 425, 439, 999}
)


class _Limit(NamedTuple):
    """A limit of a query: its name in a refusal, the setting that holds it, what happened and what to change."""

    name: str
    setting: str
    what: str
    narrow: str


_ROWS = _Limit("rows", "max_rows_to_read", "it reads more than {:,} rows", "ask for a shorter range or fewer events")
_GROUPS = _Limit(
    "groups",
    "max_rows_to_group_by",
    "it has more than {:,} groups",
    "group by something with fewer values, or filter them",
)
# A query's own limits. The same memory code says that the whole server is full, which is not the query's fault.
_EXCEEDED = {
    158: _ROWS,
    159: _Limit(
        "seconds", "max_execution_time", "it takes longer than {:,} s", "ask for a shorter range or fewer events"
    ),
    191: _Limit("values", "max_rows_in_set", "it keeps too many values", "ask for a shorter range or fewer events"),
    241: _Limit(
        "memory_bytes",
        "max_memory_usage",
        "it needs more than {:,} bytes of memory",
        "ask for a shorter range, fewer groups or fewer distinct values",
    ),
    396: _Limit(
        "answer_rows",
        "max_result_rows",
        "its answer has more than {:,} rows",
        "ask for a shorter range or fewer events",
    ),
}
_MEMORY_LIMIT_EXCEEDED = 241
_OF_ALL = re.compile(r"\((?:total|for user)\)|User memory limit")
_OF_GROUPS = "GROUP BY"


@contextmanager
def _expensive(settings: Mapping[str, Any]) -> Iterator[None]:
    """A query that exceeds its own limits is refused."""
    from clickhouse_connect.driver.exceptions import ClickHouseError

    try:
        yield
    except ClickHouseError as error:
        if limit := _exceeded(error):
            most = int(settings.get(limit.setting, 0))
            detail = f"{limit.what.format(most)}; {limit.narrow}"
            raise Rejected(Refusal.QUERY_TOO_EXPENSIVE, detail, exceeded=limit.name, limit=most) from error
        raise


def _exceeded(error: Exception) -> _Limit | None:
    """What a query took too much of; None where its own limits are not the reason."""
    code = getattr(error, "code", None)
    if code == _MEMORY_LIMIT_EXCEEDED and _OF_ALL.search(str(error)):
        return None
    found = _EXCEEDED.get(code) if code is not None else None
    return _GROUPS if found is _ROWS and _OF_GROUPS in str(error) else found


# What the library puts around the engine's message; the address is nobody's business outside.
_FRAME = re.compile(
    r"\AReceived ClickHouse exception, code: \d+, server response: | \(version [^)]*\(.*\Z| \(for url .*\Z"
)
_MOST_CHARACTERS = 500


def _engine_words(error: Exception) -> str:
    """The first line of the engine's own message: `Code: 27. DB::Exception: … (CANNOT_PARSE_INPUT…)`."""
    lines = str(error).strip().splitlines()
    return _FRAME.sub("", lines[0])[:_MOST_CHARACTERS] if lines else type(error).__name__

"""chDB, the ClickHouse engine inside this process: one data folder, several connections, one query on each.

A connection carries one session (database and settings) for its whole life. A request that wants another
session gets another connection: opening one takes a fifth of a millisecond, so nothing is ever reset and
nothing can leak from one request into the next.
"""

import asyncio
import contextlib
import importlib
import re
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

DATABASE = "sluice"

UNKNOWN_SETTING = 115
TOO_MANY_SIMULTANEOUS_QUERIES = 202
UNKNOWN_EXCEPTION = 1002

_PREFIX = re.compile(r"(?:.*?\bCode: (\d+)\. DB::(\w*Exception): )+", re.DOTALL)
_SUFFIX = re.compile(r"(?: \(version [\w.]+\)\.? ?| ?\(([A-Z][A-Z0-9_]+)\)\.?)+$")
_SETTING_NAME = re.compile(r"[A-Za-z_]\w*")

# The engine on a laptop: no introspection of the binary, SELECT is spelt out as on a server, a thread that
# looks at the memory once a second instead of twenty times, caches in proportion to the memory allowed.
_OPTIONS = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "memory_worker_period_ms": "1000",
    "background_schedule_pool_size": "1",
    "max_thread_pool_free_size": "8",
}
_CACHES = (
    "mark_cache_size",
    "primary_index_cache_size",
    "index_mark_cache_size",
    "query_condition_cache_size",
    "compiled_expression_cache_size",
)
_CACHE_SHARE = 32


class EngineError(Exception):
    """A refusal by the engine, or by the door in its words: ClickHouse's error number, name and message."""

    def __init__(self, code: int, message: str, name: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.name = name


def engine_error(text: str) -> EngineError:
    """Read an exception's text (`Code: N. DB::Exception: … (NAME)`, perhaps wrapped several times)."""
    prefix = _PREFIX.match(text)
    code = int(prefix[1]) if prefix else UNKNOWN_EXCEPTION
    message = text[prefix.end() :] if prefix else text
    suffix = _SUFFIX.search(message)
    name = (suffix[1] or "") if suffix else ""
    return EngineError(code, (message[: suffix.start()] if suffix else message).strip(), name)


@contextlib.contextmanager
def _engine_errors() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # the only exception class chDB raises
        raise engine_error(str(error)) from None


@dataclass(frozen=True)
class Stats:
    """What a statement read, wrote and returned; durations in nanoseconds."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0
    elapsed_ns: int = 0

    def __add__(self, other: "Stats") -> "Stats":
        return Stats(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def _stats(result: Any) -> Stats:
    return Stats(
        read_rows=result.storage_rows_read(),
        read_bytes=result.storage_bytes_read(),
        written_rows=result.rows_written(),
        written_bytes=result.bytes_written(),
        result_rows=result.rows_read(),
        result_bytes=result.size(),
        elapsed_ns=round(result.elapsed() * 1e9),
    )


@dataclass(frozen=True)
class Session:
    """What the statements of a request see: SET and USE statements before it, the database, its settings.

    An empty database means the one of the last USE, else the default one.
    """

    database: str = DATABASE
    settings: tuple[tuple[str, str], ...] = ()
    remembered: tuple[bytes, ...] = ()

    def statements(self) -> Iterator[bytes]:
        """What brings a fresh connection to this session; EngineError for an impossible setting's name."""
        if not self.database:
            yield _use(DATABASE)
        yield from self.remembered
        if self.database:
            yield _use(self.database)
        # readonly goes last: it forbids every further change
        for last in (False, True):
            changed = [_assignment(*pair) for pair in self.settings if (pair[0] == "readonly") is last]
            if changed:
                yield f"SET {', '.join(changed)}".encode("utf-8", "surrogateescape")


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote)


def _use(database: str) -> bytes:
    return f"USE `{_escaped(database, '`')}`".encode("utf-8", "surrogateescape")


def _assignment(name: str, value: str) -> str:
    if not _SETTING_NAME.fullmatch(name):
        raise EngineError(UNKNOWN_SETTING, f"Setting {name} is neither a builtin setting nor a parameter")
    return f"{name} = '{_escaped(value, chr(39))}'"


@dataclass(frozen=True)
class Classified:
    """What the engine's parser says of a text: READ_ONLY, MUTATING, MUTATING_GLOBAL, CONTROL or UNKNOWN."""

    kind: str
    statements: int


class Result:
    """A complete result, taken piece by piece out of the engine's own buffer: the large ones are not copied."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._buffer = raw.get_memview()
        self._at = 0
        self.size: int | None = self._buffer.size()
        self.stats = _stats(raw)

    def ended(self) -> bool:
        return self._at >= (self.size or 0)

    def read(self, at_least: int) -> bytes:
        """The next so many bytes, fewer at the end."""
        start, self._at = self._at, self._at + at_least
        if start == 0 and self.ended():
            return bytes(self._raw.bytes())
        # the view does not keep the buffer alive, `self` does
        return bytes(self._buffer.view()[start : self._at])

    def text(self) -> str:
        """All of it, of a small result."""
        return str(self._raw.bytes().decode("utf-8", "replace"))


class Stream:
    """A running SELECT whose result is taken piece by piece; closing its connection stops it."""

    def __init__(self, raw: Any, handle: Any) -> None:
        self._raw = raw
        self._handle = handle
        self._done = False
        self.size: int | None = None
        self.stats = Stats()

    def ended(self) -> bool:
        return self._done

    def read(self, at_least: int) -> bytes:
        """The next pieces, at least so many bytes unless the result ends; EngineError if the query fails."""
        pieces: list[bytes] = []
        size = 0
        while size < at_least and not self._done:
            with _engine_errors():
                piece = self._raw.streaming_fetch_result(self._handle)
            self._done = piece is None or piece.rows_read() == 0
            if not self._done:
                latest = _stats(piece)
                # a piece's counters are its own, its clock is the query's
                self.stats = replace(self.stats + latest, elapsed_ns=latest.elapsed_ns)
                pieces.append(piece.bytes())
                size += len(pieces[-1])
        return b"".join(pieces)


class Insert:
    """An INSERT whose data are handed over piece by piece; closing its connection instead drops them."""

    def __init__(self, raw: Any, handle: Any) -> None:
        self._raw = raw
        self._handle = handle

    def append(self, data: bytes) -> None:
        with _engine_errors():
            self._raw.insert_append(self._handle, data)

    def finish(self) -> Stats:
        with _engine_errors():
            return _stats(self._raw.insert_done(self._handle))


class Connection:
    """One chDB connection; blocking, for one thread at a time. Every method raises EngineError."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def classify(self, sql: bytes) -> Classified:
        with _engine_errors():
            report = self._raw.classify_query(sql, DATABASE)
        return Classified(report["query_class"].name, int(report["statement_count"]))

    def query(self, sql: bytes, output_format: str = "TabSeparated", params: Mapping[str, str] | None = None) -> Result:
        with _engine_errors():
            return Result(self._raw.query(sql, output_format, params=dict(params or {})))

    def stream(self, sql: bytes, output_format: str, params: Mapping[str, str]) -> Stream:
        with _engine_errors():
            return Stream(self._raw, self._raw.send_query(sql, output_format, params=dict(params)))

    def insert(self, sql: bytes, input_format: str) -> Insert:
        """Begin an INSERT; `sql` has neither FORMAT nor data. Until it ends nothing else runs here."""
        with _engine_errors():
            return Insert(self._raw, self._raw.send_insert(sql, input_format))

    def close(self) -> None:
        self._raw.close()


class Engine:
    """chDB over one folder; EngineError if another process has it open.

    Importing chDB takes a third of a second and 200 MB, hence only here. It takes the process's signal
    handlers; this class gives them back, so install yours afterwards.
    """

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        chdb = importlib.import_module("chdb._chdb")
        self._connect: Callable[[str], Any] = chdb.connect
        chdb.set_signal_handlers_enabled(0)
        chdb.reset_signal_handlers()
        if "?" in str(folder):
            raise EngineError(UNKNOWN_EXCEPTION, f"chDB cannot open a path with a question mark: {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        cache = str(memory_bytes // _CACHE_SHARE)
        options = {
            **_OPTIONS,
            **dict.fromkeys(_CACHES, cache),
            "max_server_memory_usage": str(memory_bytes),
            "merges_mutations_memory_usage_soft_limit": str(memory_bytes // 2),
        }
        self._address = f"{folder}?{'&'.join(f'{name}={value}' for name, value in options.items())}"
        # kept open for KILL QUERY; also keeps the engine alive while no request is served
        self._control = self.connect()
        self._control_lock = threading.Lock()
        self._control.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}".encode())
        self.version, self.timezone = self.rows("SELECT version(), timezone()")[0]

    def connect(self, statements: Sequence[bytes] = ()) -> Connection:
        """Open a connection and run `statements` on it."""
        with _engine_errors():
            connection = Connection(self._connect(self._address))
        try:
            for statement in statements:
                connection.query(statement)
        except EngineError:
            connection.close()
            raise
        return connection

    def rows(self, sql: str) -> list[list[str]]:
        """A small result of our own, as text."""
        with self._control_lock:
            text = self._control.query(sql.encode()).text()
        return [line.split("\t") for line in text.splitlines()]

    def kill(self, marker: str) -> None:
        """Cancel the queries whose text ends with `marker` (a comment); none running is no error."""
        with self._control_lock:
            self._control.query(f"KILL QUERY WHERE endsWith(query, '{marker}') ASYNC".encode())

    def kill_all(self) -> None:
        """Cancel whatever runs."""
        with self._control_lock:
            self._control.query(b"KILL QUERY WHERE query NOT ILIKE 'KILL%' ASYNC")

    def close(self) -> None:
        """Close the engine; every pool's connections have to be closed before."""
        self._control.close()


@dataclass(eq=False)
class _Idle:
    session: Session
    connection: Connection = field(repr=False)


class Lease:
    """The right to use one connection of a pool with one session."""

    def __init__(self, pool: "Pool", session: Session, connection: Connection | None) -> None:
        self._pool = pool
        self._session = session
        self._connection = connection
        self._running: asyncio.Future[Any] | None = None
        self.tainted = False

    async def call(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(connection, …)` in a thread. A cancelled caller does not stop it: the lease waits."""

        def work() -> T:
            if self._connection is None:
                self._connection = self._pool.open(self._session)
            return function(self._connection, *args, **kwargs)

        future = asyncio.get_running_loop().run_in_executor(self._pool.threads, work)
        self._running = future
        return await asyncio.shield(future)

    @property
    def busy(self) -> bool:
        """Whether a call is under way in its thread."""
        return self._running is not None and not self._running.done()

    def release(self) -> None:
        if self._running is not None and not self._running.done():
            self.tainted = True
            self._running.add_done_callback(lambda _: self.release())
            return
        self._pool.take_back(None if self.tainted else self._session, self._connection)


class Pool:
    """At most `size` statements at once, at most `waiting` more in line for at most `wait_seconds`."""

    def __init__(
        self,
        engine: Engine,
        *,
        size: int,
        waiting: int = 100,
        wait_seconds: float = 30,
        after: Sequence[bytes] = (),
    ) -> None:
        self._engine = engine
        self._after = tuple(after)
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._waiting = waiting
        self._wait_seconds = wait_seconds
        self._in_line = 0
        self._idle: deque[_Idle] = deque()
        self.busy = 0
        self.threads = ThreadPoolExecutor(size, "chdb")

    @contextlib.asynccontextmanager
    async def lease(self, session: Session) -> AsyncIterator[Lease]:
        """A connection with this session; EngineError 202 when too many are in line or it takes too long."""
        if self._in_line >= self._waiting:
            raise self._too_many()
        self._in_line += 1
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise self._too_many() from None
        finally:
            self._in_line -= 1
        self.busy += 1
        lease = Lease(self, session, self._pick(session))
        try:
            yield lease
        finally:
            lease.release()

    def _too_many(self) -> EngineError:
        message = f"Too many simultaneous queries. Maximum: {self._size}, {self._in_line} are waiting"
        return EngineError(TOO_MANY_SIMULTANEOUS_QUERIES, message, "TOO_MANY_SIMULTANEOUS_QUERIES")

    def _pick(self, session: Session) -> Connection | None:
        for idle in reversed(self._idle):
            if idle.session == session:
                self._idle.remove(idle)
                return idle.connection
        return None

    def open(self, session: Session) -> Connection:
        """A fresh connection brought to `session`, then to what this pool adds to each (limits, readonly)."""
        return self._engine.connect([*session.statements(), *self._after])

    def take_back(self, session: Session | None, connection: Connection | None) -> None:
        """End a lease; without a session the connection is not used again."""
        self.busy -= 1
        self._free.release()
        if connection is None:
            return
        if session is None:
            connection.close()
            return
        self._idle.append(_Idle(session, connection))
        while len(self._idle) + self.busy > self._size:
            self._idle.popleft().connection.close()

    def close(self) -> None:
        """Close the idle connections and end the threads; only when nothing is busy."""
        while self._idle:
            self._idle.pop().connection.close()
        self.threads.shutdown()

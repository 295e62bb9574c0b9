"""chDB, the ClickHouse engine inside this process: one data folder, several connections, one query on each."""

import contextlib
import importlib
import re
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

DATABASE = "sluice"

UNKNOWN_EXCEPTION = 1002
_NOT_ENOUGH_SPACE = 243

_PREFIX = re.compile(r".*?\bCode: (\d+)\. DB::\w*Exception: (?:Code: \1\. DB::\w*Exception: )*", re.DOTALL)
# What the engine adds to an error where the data of an INSERT came from a file: our own business.
_FROM_FILE = re.compile(r": \(in file/uri [^)]*\)|: While executing File|: data for INSERT was parsed from file")
_SUFFIX = re.compile(r"(?: \(version [\w.]+\)\.? ?| ?\(([A-Z][A-Z0-9_]+)\)\.?)+$")

# The engine on a laptop: no introspection of the binary, SELECT is spelt out as on a server, a thread that
# looks at the memory five times a second instead of twenty, caches in proportion to the memory allowed.
_OPTIONS = {
    "implicit_select": "0",
    "allow_introspection_functions": "0",
    "memory_worker_period_ms": "200",
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


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EngineError(_NOT_ENOUGH_SPACE, f"the data cannot be kept: {error}", "NOT_ENOUGH_SPACE") from None


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
    """An INSERT whose data are gathered in a file that has no name, then read from there by one statement.

    chDB could be handed the data piece by piece, but then it says nothing when it cannot store them: on a full disk
    an INSERT would be acknowledged and lost. Closed before `finish`, nothing is inserted.
    """

    def __init__(self, raw: Any, folder: Path, statement: Callable[[str], bytes]) -> None:
        self._raw = raw
        self._statement = statement
        with _disk_errors():
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 (closed by `close`)

    def append(self, data: bytes) -> None:
        left = memoryview(data)
        with _disk_errors():
            while left:
                left = left[self._file.write(left) :]

    def finish(self) -> Stats:
        self._file.seek(0)  # where a path to it is the same open file, as on macOS
        try:
            with _engine_errors():
                return _stats(self._raw.query(self._statement(f"/dev/fd/{self._file.fileno()}"), "TabSeparated"))
        except EngineError as error:
            error.message = _FROM_FILE.sub("", error.message)
            raise

    def close(self) -> None:
        self._file.close()


class Connection:
    """One chDB connection; blocking, for one thread at a time.

    Every method raises EngineError. After one the connection has to be closed: chDB puts what a failed query had
    found so far in front of the next result. `mark` is what Engine.kill knows its query by.
    """

    def __init__(self, raw: Any, folder: Path, mark: str = "") -> None:
        self._raw = raw
        self.mark = mark
        self._folder = folder

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

    def insert(self, statement: Callable[[str], bytes]) -> Insert:
        """Begin an INSERT; `statement` gives its text for the path of the file that holds the data."""
        return Insert(self._raw, self._folder, statement)

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
        self._folder = folder
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
        self._own(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self.version, self.timezone = self.rows("SELECT version(), timezone()")[0]

    def connect(self, statements: Sequence[bytes] = ()) -> Connection:
        """Open a connection and run `statements` on it."""
        mark = f"sluice:{secrets.token_hex(8)}"
        with _engine_errors():
            connection = Connection(self._connect(self._address), self._folder, mark)
        try:
            # chDB names its queries itself, and what it shows of a query with parameters has lost all comments
            connection.query(f"SET log_comment = '{mark}'".encode())
            for statement in statements:
                connection.query(statement)
        except EngineError:
            connection.close()
            raise
        return connection

    def rows(self, sql: str) -> list[list[str]]:
        """A small result of our own, as text."""
        return [line.split("\t") for line in self._own(sql).splitlines()]

    def kill(self, mark: str) -> None:
        """Cancel what runs on the connection of this mark; nothing running is no error."""
        self._own(f"KILL QUERY WHERE Settings['log_comment'] = '{mark}' ASYNC")

    def kill_all(self) -> None:
        """Cancel whatever runs."""
        self._own("KILL QUERY WHERE query NOT ILIKE 'KILL%' ASYNC")

    def _own(self, sql: str) -> str:
        with self._control_lock:
            try:
                return self._control.query(sql.encode()).text()
            except EngineError:
                failed, self._control = self._control, self.connect()
                failed.close()
                raise

    def close(self) -> None:
        """Close the engine; every pool's connections have to be closed before."""
        self._control.close()

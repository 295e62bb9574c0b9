"""An answer as ClickHouse's HTTP interface gives it: status by error number, headers, compressed bodies."""

import importlib
import json
import secrets
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from shared.http import Send
from shared.local.chdb_engine import EngineError, Stats
from shared.local.chdb_pool import TOO_MANY_SIMULTANEOUS_QUERIES
from shared.local.door_guard import ACCESS_DENIED
from shared.local.door_native import NativeFrames
from shared.local.door_request import (
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    CANNOT_DECOMPRESS,
    QUERY_IS_TOO_LARGE,
    Call,
    in_thread_if_large,
)
from shared.local.door_sql import NOT_IMPLEMENTED, READONLY, SYNTAX_ERROR

REQUIRED_PASSWORD = 194
ABORTED = 236
UNAUTHORIZED = 401

_NOT_FOUND = (46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511)
_UNPARSABLE = (6, 8, 15, 25, 26, 27, 37, 38, 41, 44, 53, 72, 117, 123, 167, 168, 223, 321, 376, 427, 441, 675, 676)
# Error numbers by the status a ClickHouse server answers with, else 500. These differ: on too many queries and
# while we stop, 503 tells the client to repeat; what cannot be decompressed, and a change by a reader, is the client's
# fault.
_STATUS = {
    **dict.fromkeys((*_UNPARSABLE, BAD_ARGUMENTS, SYNTAX_ERROR, CANNOT_DECOMPRESS), 400),
    REQUIRED_PASSWORD: UNAUTHORIZED,
    **dict.fromkeys((192, 193, 512, AUTHENTICATION_FAILED, ACCESS_DENIED, READONLY), 403),
    **dict.fromkeys(_NOT_FOUND, 404),
    159: 408,
    QUERY_IS_TOO_LARGE: 413,
    NOT_IMPLEMENTED: 501,
    **dict.fromkeys((76, 209, 439, ABORTED, TOO_MANY_SIMULTANEOUS_QUERIES), 503),
}

_DEFAULT_TYPE = "text/plain; charset=UTF-8"

Headers = list[tuple[bytes, bytes]]


class StatusError(EngineError):
    """An error with another HTTP status than a ClickHouse server gives its number."""

    def __init__(self, status: int, code: int, message: str, name: str = "") -> None:
        super().__init__(code, message, name)
        self.status = status


def status_of(error: EngineError) -> int:
    if isinstance(error, StatusError):
        return error.status
    return _STATUS.get(error.code, 500)


def error_text(error: EngineError, version: str) -> str:
    """The body ClickHouse gives an error."""
    name = f" ({error.name})" if error.name else ""
    return f"Code: {error.code}. DB::Exception: {error.message}{name} (version {version} (official build))\n"


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Lz4:
    """LZ4 frames; the header goes out with the first bytes."""

    def __init__(self) -> None:
        self._frame = importlib.import_module("lz4.frame").LZ4FrameCompressor()

    def compress(self, data: bytes, /) -> bytes:
        begin: bytes = b"" if self._frame.started() else self._frame.begin()
        return begin + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return bytes(self._frame.flush())


def _zstd() -> Any:
    return importlib.import_module("backports.zstd").ZstdCompressor(level=1)


# In order of preference: what costs least first.
_COMPRESSORS: Mapping[str, Callable[[], _Compressor]] = {
    "lz4": _Lz4,
    "zstd": _zstd,
    "gzip": lambda: zlib.compressobj(level=3, wbits=31),
    "deflate": lambda: zlib.compressobj(level=3, wbits=15),
}


class Answer:
    """The one answer to a request: whole, with Content-Length, or piece by piece."""

    def __init__(self, send: Send, head_only: bool, server: Mapping[str, str]) -> None:  # noqa: FBT001 (one caller)
        self._send = send
        self._head_only = head_only
        self._server = server
        self._compressor: _Compressor | None = None
        self._tag = secrets.token_hex(8)
        self.call: Call | None = None
        self.output_format = ""
        self.content_type = _DEFAULT_TYPE
        self.started = False

    def _headers(self, stats: Stats) -> Headers:
        summary = {
            "read_rows": stats.read_rows,
            "read_bytes": stats.read_bytes,
            "written_rows": stats.written_rows,
            "written_bytes": stats.written_bytes,
            "total_rows_to_read": 0,
            "result_rows": stats.result_rows,
            "result_bytes": stats.result_bytes,
            "elapsed_ns": stats.elapsed_ns,
        }
        headers = {
            "Content-Type": self.content_type,
            "X-ClickHouse-Server-Display-Name": "sluice",
            "X-ClickHouse-Timezone": self._server["timezone"],
            "X-ClickHouse-Summary": json.dumps({name: str(n) for name, n in summary.items()}),
        }
        if self.call is not None:
            headers["X-ClickHouse-Query-Id"] = "".join(c for c in self.call.query_id if c.isprintable())
        if self.output_format:
            headers["X-ClickHouse-Format"] = self.output_format
        return [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]

    def _choose_compressor(self, size: int) -> Headers:
        if self.call is not None and self.call.native_compression:
            self._compressor = NativeFrames()
            return []
        # small answers too: the JDBC driver takes for granted that what it asked for is done
        accepted = self.call.accepts if self.call is not None and size else ()
        name = next((name for name in _COMPRESSORS if name in accepted), "")
        if not name:
            return []
        self._compressor = _COMPRESSORS[name]()
        return [(b"content-encoding", name.encode()), (b"vary", b"Accept-Encoding")]

    async def whole(self, body: bytes, stats: Stats, status: int = 200, extra: Headers | None = None) -> None:
        """Send everything at once."""
        headers = self._headers(stats) + (extra or []) + self._choose_compressor(len(body))
        if self._compressor is not None:
            body = await in_thread_if_large(self._finished, body)
        headers.append((b"content-length", str(len(body)).encode()))
        await self._start(status, headers)
        await self._send({"type": "http.response.body", "body": b"" if self._head_only else body})

    def _finished(self, body: bytes) -> bytes:
        if self._compressor is None:
            return body
        return self._compressor.compress(body) + self._compressor.flush()

    async def _start(self, status: int, headers: Headers) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def begin(self, stats: Stats, length: int | None) -> None:
        """Start an answer that goes out in pieces; without a length it may still fail on its way."""
        headers = self._headers(stats) + self._choose_compressor(1)
        if length is None:
            headers.append((b"x-clickhouse-exception-tag", self._tag.encode()))
        elif self._compressor is None:
            headers.append((b"content-length", str(length).encode()))
        await self._start(200, headers)

    async def piece(self, data: bytes) -> None:
        """Send the next part; waits while the client is slower than the engine."""
        if self._compressor is not None:
            data = await in_thread_if_large(self._compressor.compress, data)
        if data and not self._head_only:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        rest = self._compressor.flush() if self._compressor is not None else b""
        await self._send({"type": "http.response.body", "body": b"" if self._head_only else rest})

    async def fail(self, error: EngineError) -> None:
        """Answer with an error, or, in mid-answer, append it and break the answer off as ClickHouse does."""
        text = error_text(error, self._server["version"])
        code = (b"x-clickhouse-exception-code", str(error.code).encode())
        if not self.started:
            self.content_type, self.output_format = _DEFAULT_TYPE, ""
            extra = [code]
            if status_of(error) == UNAUTHORIZED:
                extra.append((b"www-authenticate", b'Basic realm="ClickHouse server HTTP API"'))
            await self.whole(text.encode("utf-8", "replace"), Stats(), status_of(error), extra)
            return
        message = text.rstrip("\n").encode("utf-8", "replace")[:15_000]
        tag = self._tag.encode()
        frame = b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n" % (tag, message, len(message), tag)
        if self._compressor is not None:
            frame = self._compressor.compress(frame) + self._compressor.flush()
        # no last part follows: the client sees an answer cut off
        await self._send({"type": "http.response.body", "body": frame, "more_body": True})

"""A request as ClickHouse's HTTP interface understands it: what its URL and headers say, and its body."""

import asyncio
import base64
import binascii
import email.parser
import email.policy
import importlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from shared.http import ClientGoneError, Receive
from shared.local.chdb_engine import EngineError
from shared.local.door_sql import NOT_IMPLEMENTED

BAD_ARGUMENTS = 36
CANNOT_DECOMPRESS = 271
QUERY_IS_TOO_LARGE = 229
INVALID_SESSION_TIMEOUT = 374
AUTHENTICATION_FAILED = 516

# A statement or a form; the data of an INSERT may be as long as they like.
TEXT_LIMIT = 256 * 1024 * 1024
_LARGE = 32 * 1024
_SESSION_MOST = 3_600

# What the URL may say beside the names of settings.
_RESERVED = frozenset(
    {"query", "database", "default_format", "query_id", "session_id", "session_timeout", "session_check"}
    | {"close_session", "user", "password", "quota_key", "role", "stacktrace", "buffer_size", "compress"}
    | {"decompress", "wait_end_of_query", "client_protocol_version"}
)
# Settings of a server's HTTP handler: here they would only cost a connection of their own. A connection's comment is
# what its query is known by.
_HANDLER_SETTINGS = frozenset(
    {"enable_http_compression", "send_progress_in_http_headers", "add_http_cors_header"}
    | {"cancel_http_readonly_queries_on_client_close", "log_comment"}
)


@dataclass(frozen=True)
class Call:
    """One request's words. `text` is the URL's query, `settings` are sorted by name."""

    text: bytes
    database: str
    default_format: str
    query_id: str
    session_id: str
    session_seconds: int
    settings: tuple[tuple[str, str], ...]
    params: Mapping[str, str]
    whole_result: bool
    native_compression: bool
    native_decompression: bool
    accepts: tuple[str, ...]


def fields_of(query_string: bytes) -> list[tuple[str, str]]:
    """The URL's fields in order; bytes that are not UTF-8 survive as surrogates."""
    text = query_string.decode("utf-8", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape") if text else []


def read_call(fields: Iterable[tuple[str, str]], headers: Mapping[bytes, bytes]) -> Call:
    """Sort the URL's (and a form's) fields and the ClickHouse headers."""
    given = dict(fields)
    settings = {
        name: value
        for name, value in given.items()
        if name not in _RESERVED and name not in _HANDLER_SETTINGS and not name.startswith(("param_", "http_"))
    }
    compressible = given.get("enable_http_compression", "1") not in {"0", "false"}
    waits = given.get("wait_end_of_query", "0"), given.get("http_wait_end_of_query", "0")
    return Call(
        text=given.get("query", "").encode("utf-8", "surrogateescape"),
        database=given.get("database") or _header(headers, b"x-clickhouse-database"),
        default_format=given.get("default_format") or _header(headers, b"x-clickhouse-format"),
        query_id=given.get("query_id") or _header(headers, b"x-clickhouse-query-id") or str(uuid4()),
        session_id=given.get("session_id", ""),
        session_seconds=_seconds(given.get("session_timeout", "60")),
        settings=tuple(sorted(settings.items())),
        params={name[6:]: _text(name, value) for name, value in given.items() if name.startswith("param_")},
        whole_result=any(value in {"1", "true"} for value in waits),
        native_compression=given.get("compress", "0") in {"1", "true"},
        native_decompression=given.get("decompress", "0") in {"1", "true"},
        accepts=_accepted(headers) if compressible else (),
    )


def _text(name: str, value: str) -> str:
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise EngineError(BAD_ARGUMENTS, f"{name} is not UTF-8", "BAD_ARGUMENTS")
    return value


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) > _SESSION_MOST:
        raise EngineError(INVALID_SESSION_TIMEOUT, f"Invalid session timeout: '{text}'")
    return int(text)


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("utf-8", "surrogateescape").strip()


def _accepted(headers: Mapping[bytes, bytes]) -> tuple[str, ...]:
    offers = (offer.partition(";") for offer in _header(headers, b"accept-encoding").lower().split(","))
    return tuple(name.strip() for name, _, rest in offers if rest.replace(" ", "") not in {"q=0", "q=0.0"})


def credentials(fields: Iterable[tuple[str, str]], headers: Mapping[bytes, bytes]) -> tuple[str, str] | None:
    """User and password: from X-ClickHouse-User/-Key, else Basic, else the URL; None when none are given."""
    user, key = _header(headers, b"x-clickhouse-user"), _header(headers, b"x-clickhouse-key")
    if user or key:
        return user, key
    scheme, _, encoded = _header(headers, b"authorization").partition(" ")
    if scheme:
        if scheme.lower() != "basic":
            message = f"Invalid authentication: '{scheme}' HTTP Authorization scheme is not supported"
            raise EngineError(AUTHENTICATION_FAILED, message, "AUTHENTICATION_FAILED")
        try:
            decoded = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        name, _, password = decoded.partition(":")
        return name, password
    given = dict(fields)
    return (given.get("user", ""), given.get("password", "")) if "user" in given else None


def _gzip() -> tuple[Any, type[Exception]]:
    return zlib.decompressobj(wbits=31), zlib.error


def _deflate() -> tuple[Any, type[Exception]]:
    return zlib.decompressobj(wbits=15), zlib.error


def _lz4() -> tuple[Any, type[Exception]]:
    return importlib.import_module("lz4.frame").LZ4FrameDecompressor(), RuntimeError


def _zstd() -> tuple[Any, type[Exception]]:
    zstd = importlib.import_module("backports.zstd")
    return zstd.ZstdDecompressor(), zstd.ZstdError


_DECODERS = {"gzip": _gzip, "deflate": _deflate, "lz4": _lz4, "zstd": _zstd}


class Decompression:
    """A Content-Encoding undone chunk by chunk; members or frames may follow each other."""

    def __init__(self, encoding: str) -> None:
        if encoding not in _DECODERS:
            raise EngineError(NOT_IMPLEMENTED, f"Unknown compression method: {encoding}", "NOT_IMPLEMENTED")
        self._new = _DECODERS[encoding]
        self._decoder, self._error = self._new()
        self._fed = False

    def feed(self, data: bytes) -> bytes:
        """The bytes behind the next chunk; EngineError when it is not what its encoding says."""
        decoded = []
        while data:
            if self._decoder.eof:
                self._decoder, _ = self._new()
            self._fed = True
            try:
                decoded.append(self._decoder.decompress(data))
            except self._error as error:
                raise _undecodable(str(error)) from error
            data = (self._decoder.unused_data or b"") if self._decoder.eof else b""
        return b"".join(decoded)

    def finish(self) -> None:
        """Refuse a body that ends in the middle."""
        if self._fed and not self._decoder.eof:
            raise _undecodable("it ends too early")


def _undecodable(reason: str) -> EngineError:
    return EngineError(CANNOT_DECOMPRESS, f"Cannot decompress the request: {reason}", "CANNOT_DECOMPRESS")


async def in_thread_if_large(function: Callable[[bytes], bytes], data: bytes) -> bytes:
    """`function(data)`, off the event loop when it would hold it up."""
    return function(data) if len(data) < _LARGE else await asyncio.to_thread(function, data)


class Body:
    """A request's body, decompressed, in pieces as large as the reader wants."""

    def __init__(self, receive: Receive, encoding: str, *, empty: bool = False) -> None:
        self._receive = receive
        self._decompression = Decompression(encoding) if encoding not in {"", "identity"} else None
        self._ended = empty

    def more(self) -> bool:
        """Whether there is more to read."""
        return not self._ended

    async def piece(self, at_least: int) -> bytes:
        """The next bytes, `at_least` so many unless the body ends; ClientGoneError if it is cut off."""
        chunks: list[bytes] = []
        size = 0
        while size < at_least and not self._ended:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGoneError
            chunk = message.get("body", b"")
            self._ended = not message.get("more_body")
            if self._decompression is not None:
                chunk = await in_thread_if_large(self._decompression.feed, chunk)
            chunks.append(chunk)
            size += len(chunk)
        if self._ended and self._decompression is not None:
            self._decompression.finish()
        return b"".join(chunks)

    async def whole(self, start: bytes = b"") -> bytes:
        """Everything, after `start`; EngineError 229 beyond TEXT_LIMIT."""
        pieces = [start]
        size = len(start)
        while not self._ended:
            pieces.append(await self.piece(1))
            size += len(pieces[-1])
            if size > TEXT_LIMIT:
                raise EngineError(QUERY_IS_TOO_LARGE, f"The query is larger than {TEXT_LIMIT} bytes")
        return b"".join(pieces)


def form_fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """The text fields of a multipart form (`query`, `param_…`); files, external tables, are refused."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1")
    form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    fields = []
    for part in form.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename() is not None:
            raise EngineError(NOT_IMPLEMENTED, "External tables in a form are not supported", "NOT_IMPLEMENTED")
        if not isinstance(name, str):
            raise EngineError(BAD_ARGUMENTS, "A field of the form has no name", "BAD_ARGUMENTS")
        payload = part.get_payload(decode=True)
        fields.append((name, payload.decode("utf-8", "surrogateescape") if isinstance(payload, bytes) else ""))
    return fields

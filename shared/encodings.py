"""What a request body is packed in: gzip, deflate, br, zstd, undone by its content rather than by its header.

Senders get the header wrong: browsers cannot set it on a beacon, proxies unpack and leave it, clients announce what
they did not do. So the bytes that begin a stream win over what is announced; the header only decides where a format
has no such bytes (br, deflate without its header).
"""

import re
import zlib
from collections.abc import Callable
from typing import Any

from shared.refusals import Refusal, Rejected

SUPPORTED = ("gzip", "deflate", "br", "zstd")

_NAMES = {name: name for name in SUPPORTED} | {"x-gzip": "gzip", "x-deflate": "deflate"}
_NOT_PACKED = frozenset({"", "identity", "none", "utf-8", "utf8"})  # the last three are mistakes that do no harm
_MOST_LAYERS = 3
# A stream may be many streams one after the other; each costs a decoder, so their number is bounded too.
_MOST_MEMBERS = 10_000
_CHUNK = 16 * 1024
_ZSTD_WINDOW_LOG = 23  # 8 MiB, what RFC 9659 allows to send over HTTP

_PLAIN = (b"{", b"[{", b"[ ", b"[\n", b"[\r", b"[]", b'["')
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZLIB = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Broken(Exception):  # noqa: N818 (a signal)
    """The bytes are not a whole stream of the format they were read as."""


def decompress(body: bytes, announced: str, limit: int) -> bytes:
    """The body as it was before it was packed; `announced` is the Content-Encoding header, '' without one.

    The result has at most `limit` bytes, and no more memory is used on the way than that and one window. Refuses
    `unsupported_media_type` (an encoding nobody knows, or more than three), `bad_encoding` (cut off or corrupt) and
    `body_too_large`. Text that claims to be packed and is not is taken as it is.
    """
    if not announced and body.startswith(_PLAIN):
        return body
    names = _announced(announced)
    for _ in range(_MOST_LAYERS):
        unpacked = _without_a_layer(body, names.pop() if names else "", limit)
        if unpacked is body and not names:
            return body
        body = unpacked
    if _by_content(body):
        raise Rejected(Refusal.UNSUPPORTED_MEDIA_TYPE, f"the body is packed more than {_MOST_LAYERS} times")
    return body


def _announced(header: str) -> list[str]:
    """The encodings a header lists, in the order in which they were applied."""
    names: list[str] = []
    for written in header.lower().split(","):
        name = written.strip()
        if name in _NOT_PACKED:
            continue
        if name not in _NAMES:
            known = ", ".join(SUPPORTED)
            raise Rejected(Refusal.UNSUPPORTED_MEDIA_TYPE, f"the content encoding {name[:40]!r} is none of {known}")
        names.append(_NAMES[name])
        if len(names) > _MOST_LAYERS:
            raise Rejected(Refusal.UNSUPPORTED_MEDIA_TYPE, f"more than {_MOST_LAYERS} content encodings are announced")
    return names


def _by_content(body: bytes) -> str:
    """The encoding whose first bytes these are, '' where they are nobody's."""
    if body.startswith(_GZIP):
        return "gzip"
    if body.startswith(_ZSTD):
        return "zstd"
    return "deflate" if body.startswith(_ZLIB) else ""


def _without_a_layer(body: bytes, announced: str, limit: int) -> bytes:
    """The body unpacked once; the same object where it is not packed."""
    found = _by_content(body)
    if not found and (not body or body.startswith(_PLAIN) or _is_text(body)):
        return body
    reason = ""
    for name in dict.fromkeys((found, announced, "" if found or announced else "br")):
        try:
            if name:
                return _DECODERS[name](body, limit)
        except _Broken as broken:
            reason = reason or f"the body is not sound {name}: {broken}"
    if found or announced:
        raise Rejected(Refusal.BAD_ENCODING, reason)
    return body  # that it is br was only a guess


def _is_text(body: bytes) -> bool:
    """Whether the bytes are UTF-8 without control characters, which packed bytes never are for long."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return _CONTROL.search(body) is None


def _members(body: bytes, limit: int, magic: bytes, opens: Callable[[], Any], errors: type[Exception]) -> bytes:
    """One member after the other, as `cat a.gz b.gz` makes them, at most `limit` bytes in all."""
    view = memoryview(body)
    parts: list[bytes] = []
    total = position = 0
    for _ in range(_MOST_MEMBERS):
        try:
            end, written = _member(view, position, limit - total, opens(), parts)
        except errors as error:
            raise _Broken(str(error)) from error
        position, total = end, total + written
        if total > limit:
            raise _too_large(limit)
        if not body.startswith(magic, position):
            break
    else:
        raise _Broken(f"more than {_MOST_MEMBERS} members")
    if body[position:].strip(b"\0"):  # padding with zeros is allowed, anything else would be lost
        raise _Broken(f"{len(body) - position} bytes follow its end")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _member(view: memoryview, position: int, limit: int, stream: Any, parts: list[bytes]) -> tuple[int, int]:
    """Decode the member at `position` onto `parts`; where it ends, and how many bytes came out (over `limit`: not all).

    It is fed in pieces: what a decoder leaves over it copies, and many small members would copy the body each.
    """
    written = 0
    while not stream.eof:
        piece = view[position : position + _CHUNK]
        if not piece:
            raise _Broken("it ends too early")
        out = stream.decompress(piece, limit - written + 1)
        position += len(piece)
        written += len(out)
        parts.append(out)
        if written > limit:
            break
    return position - len(stream.unused_data), written


def _gzip(body: bytes, limit: int) -> bytes:
    return _members(body, limit, _GZIP, lambda: zlib.decompressobj(wbits=31), zlib.error)


def _zstd(body: bytes, limit: int) -> bytes:
    from backports import zstd

    options = {int(zstd.DecompressionParameter.window_log_max): _ZSTD_WINDOW_LOG}
    return _members(body, limit, _ZSTD, lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError)


def _deflate(body: bytes, limit: int) -> bytes:
    """RFC 9110 says zlib's header belongs to it; many senders leave it out."""
    try:
        return _one(body, limit, zlib.MAX_WBITS)
    except _Broken:
        return _one(body, limit, -zlib.MAX_WBITS)


def _one(body: bytes, limit: int, wbits: int) -> bytes:
    stream = zlib.decompressobj(wbits=wbits)
    try:
        out = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise _Broken(str(error)) from error
    if len(out) > limit:
        raise _too_large(limit)
    if not stream.eof:
        raise _Broken("it ends too early")
    if stream.unused_data:
        raise _Broken(f"{len(stream.unused_data)} bytes follow its end")
    return out


def _brotli(body: bytes, limit: int) -> bytes:
    import brotli  # type: ignore[import-untyped]  # it ships no types

    stream = brotli.Decompressor()
    parts: list[bytes] = []
    total, given = 0, body
    try:
        while not stream.is_finished():
            out = stream.process(given, output_buffer_limit=limit - total + 1)
            if not out and not stream.is_finished():
                raise _Broken("it ends too early")
            given = b""
            total += len(out)
            parts.append(out)
            if total > limit:
                raise _too_large(limit)
    except brotli.error as error:
        raise _Broken(str(error)) from error
    return b"".join(parts)


def _too_large(limit: int) -> Rejected:
    return Rejected(Refusal.BODY_TOO_LARGE, f"more than {limit} bytes once it is unpacked")


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}

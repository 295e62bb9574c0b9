"""Texts in the files of a folder, also where they are packed: what somebody with the disk in their hands could read."""

import gzip
import re
import struct
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa

# ClickHouse's own form: a checksum, then method, size with this head, size unpacked, then that much.
_CHECKSUM = 16
_HEAD = struct.Struct("<BII")
_LZ4, _ZSTD, _NONE = 0x82, 0x90, 0x02
_MOST_BLOCK = 1 << 28
_METHOD = re.compile(rb"[\x82\x90\x02]")
# The folder of its tables; nobody else writes this form.
_TABLES = "store"


def holders(folder: Path, texts: Collection[str]) -> dict[str, list[str]]:
    """The files that hold any of the texts, each with those it holds."""
    wanted = re.compile(b"|".join(re.escape(text.encode()) for text in texts))
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            held = {match.decode() for data in readings(path) for match in wanted.findall(data)}
            if held:
                found[str(path.relative_to(folder))] = sorted(held)
    return found


def readings(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and what they are unpacked."""
    try:
        data = path.read_bytes()
    except OSError:  # a socket, or gone meanwhile
        return
    yield data
    if data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    if data[:4] == b"PK\x03\x04":
        yield from _zipped(data)
    if _TABLES in path.parts:
        yield from _blocks(data)


def _zipped(data: bytes) -> Iterator[bytes]:
    for at in (match.start() for match in re.finditer(re.escape(b"PK\x03\x04"), data)):
        name, extra = struct.unpack_from("<HH", data, at + 26)
        unpacker = zlib.decompressobj(-15)
        try:
            yield unpacker.decompress(data[at + 30 + name + extra :])
        except zlib.error:
            continue


def _blocks(data: bytes) -> Iterator[bytes]:
    """ClickHouse's packed blocks, wherever they begin: a file has several streams of them, one behind the other."""
    codecs = {_LZ4: pa.Codec("lz4_raw"), _ZSTD: pa.Codec("zstd")}
    end = 0
    for at in (match.start() for match in _METHOD.finditer(data, _CHECKSUM)):
        if at < end + _CHECKSUM or at + _HEAD.size > len(data):
            continue
        method, packed, size = _HEAD.unpack_from(data, at)
        if not _HEAD.size <= packed <= len(data) - at or size > _MOST_BLOCK:
            continue
        body = data[at + _HEAD.size : at + packed]
        try:
            unpacked = codecs[method].decompress(body, size).to_pybytes() if method in codecs else body
        except (OSError, pa.ArrowException, MemoryError):
            continue
        if len(unpacked) == size:
            yield unpacked
            end = at + packed

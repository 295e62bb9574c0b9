"""The archive: a zip that is written piece by piece, with lines of JSON for machines and a page for people."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import IO, Any, cast

import msgspec

from shared.objects import Sink

_COMPRESSION = zipfile.ZIP_DEFLATED


class Hashed:
    """A sink as a file that is only written, and what was written: bytes and their SHA-256."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._sha256 = hashlib.sha256()
        self.bytes = 0

    def write(self, data: bytes) -> int:
        self._sha256.update(data)
        self.bytes += len(data)
        self._sink.write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """A sink has no say in that."""

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()


class Archive:
    """Files of a zip, one after the other; `counts` says how many rows each has."""

    def __init__(self, target: Hashed, made_at: datetime) -> None:
        self._zip = zipfile.ZipFile(cast("IO[bytes]", target), "w", _COMPRESSION)
        self._at = made_at.timetuple()[:6]
        self.counts: dict[str, int] = {}

    @contextmanager
    def lines(self, name: str) -> Iterator[Callable[[Any], None]]:
        """A file of lines of JSON; called with each row."""
        encoder, count = msgspec.json.Encoder(), 0
        with self._zip.open(self._info(f"{name}.ndjson"), "w", force_zip64=True) as file:

            def write(row: Any) -> None:
                nonlocal count
                file.write(encoder.encode(row) + b"\n")
                count += 1

            yield write
        self.counts[name] = count

    def put(self, name: str, data: bytes) -> None:
        """A whole file."""
        self._zip.writestr(self._info(name), data)

    def close(self) -> None:
        """Write what ends the zip."""
        self._zip.close()

    def _info(self, name: str) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._at)
        info.compress_type = _COMPRESSION
        return info

"""A file to import: hashed once, then read from its start as often as needed, plain, gz or zst."""

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from backports import zstd

STDIN = "-"
MAX_LINE_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Reading = Callable[[int, int], None]
"""Told while the file is hashed: bytes of the file done, bytes of the file in all."""


class SourceError(Exception):
    """The file cannot be read, is damaged, or changed while it was read; nothing of it is half a row."""


class Line(NamedTuple):
    """A line that is not blank and its number, from 1 on; `data` is None where it is too long to keep."""

    number: int
    data: bytes | None


class Source:
    """An open file; `sha256` is that of its uncompressed content, `line_count` counts blank lines too."""

    def __init__(self, name: str, file: BinaryIO, content: BinaryIO, reading: Reading) -> None:
        self.name = name
        self._file = file
        self._content = content
        self._state = self._current_state()
        self.beginning = b""
        self.sha256, self.line_count = self._digest(reading)

    @contextlib.contextmanager
    def from_start(self) -> Iterator[BinaryIO]:
        """The uncompressed content from its first byte; raises SourceError, at the end if the file was changed."""
        with _faults_named(self.name):
            self._content.seek(0)
            yield self._content
            if self._current_state() != self._state:
                raise SourceError(
                    f"{self.name} changed while it was imported; import it again when nothing writes to it"
                )

    def lines(self) -> Iterator[Line]:
        """The lines in order; raises SourceError as `from_start` does."""
        with self.from_start():
            yield from self._lines()

    @contextlib.contextmanager
    def as_file(self) -> Iterator[Path]:
        """A path to the uncompressed content, for libraries that open files themselves; it ends with the block.

        Its name holds nothing that such a library would take for a pattern or an address.
        """
        with _faults_named(self.name), tempfile.TemporaryDirectory(prefix="sluice-import-") as folder:
            path = Path(folder) / "content"
            if self._content is self._file and Path(self.name).is_file():
                path.symlink_to(Path(self.name).resolve())
            else:
                with self.from_start() as content, path.open("wb") as copy:
                    shutil.copyfileobj(content, copy, _CHUNK_BYTES)
            yield path
            if self._current_state() != self._state:
                raise SourceError(f"{self.name} changed while it was imported")

    def _lines(self) -> Iterator[Line]:
        number = 0
        while line := self._content.readline(MAX_LINE_BYTES + 1):
            number += 1
            if number > self.line_count:  # it grows, and may never end
                return
            complete = line.endswith(b"\n") or not self._skip_rest_of_line()
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            line = line.strip()
            if line:
                yield Line(number, line if complete else None)

    def _skip_rest_of_line(self) -> bool:
        """Read on to the end of the line in pieces; says whether there was anything left of it."""
        skipped = False
        while piece := self._content.readline(MAX_LINE_BYTES):
            skipped = True
            if piece.endswith(b"\n"):
                break
        return skipped

    def _digest(self, reading: Reading) -> tuple[str, int]:
        digest = hashlib.sha256()
        lines, last = 0, b"\n"
        size = self._state[0]
        while chunk := self._content.read(_CHUNK_BYTES):
            self.beginning = self.beginning or chunk
            digest.update(chunk)
            lines += chunk.count(b"\n")
            last = chunk[-1:]
            reading(self._file.tell(), size)
        return digest.hexdigest(), lines + (last != b"\n")

    def _current_state(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def open_source(name: str, reading: Reading = lambda _done, _all: None) -> Iterator[Source]:
    """Open and hash the file `name`, plain, gz or zst by its content; '-' is the standard input.

    What cannot be read twice (a pipe) is first copied to a temporary file. Raises SourceError, here or while
    it is read.
    """
    with contextlib.ExitStack() as stack:
        with _faults_named(name):
            file = stack.enter_context(_open(name))
            magic = file.read(len(_ZSTD_MAGIC))
            file.seek(0)
            content = file
            if magic.startswith(_GZIP_MAGIC):
                content = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=file)))
            elif magic == _ZSTD_MAGIC:
                content = cast("BinaryIO", stack.enter_context(zstd.ZstdFile(file)))
            source = Source(name, file, content, reading)
        yield source


@contextlib.contextmanager
def _faults_named(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise SourceError(f"{name} is not a complete gz or zst file: {error}") from error
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror or error}") from error


@contextlib.contextmanager
def _open(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        with _spooled(sys.stdin.buffer) as copy:
            yield copy
        return
    with open(name, "rb") as file:  # noqa: PTH123 (a pipe such as /dev/fd/63 is not a path to resolve)
        if file.seekable():
            yield file
            return
        with _spooled(file) as copy:
            yield copy


@contextlib.contextmanager
def _spooled(stream: BinaryIO | io.BufferedReader) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(stream, copy, _CHUNK_BYTES)
        copy.seek(0)
        yield cast("BinaryIO", copy)

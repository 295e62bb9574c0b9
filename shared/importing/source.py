"""A file of rows, read twice: once for its content's hash and line count, once for its lines."""

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
from typing import BinaryIO, NamedTuple, cast

STDIN = "-"
MAX_LINE_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Reading = Callable[[int, int], None]
"""Told while the file is hashed: bytes of the file done, bytes of the file in all."""


class SourceError(Exception):
    """The file cannot be read, is damaged, or changed while it was read; nothing of it is half a line."""


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
        self.sha256, self.line_count = self._digest(reading)

    def lines(self) -> Iterator[Line]:
        """The lines in order; raises SourceError at the end if the file was changed since it was hashed."""
        with _faults_named(self.name):
            self._content.seek(0)
            yield from self._lines()
            if self._current_state() != self._state:
                raise SourceError(
                    f"{self.name} changed while it was imported; import it again when nothing writes to it"
                )

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
    """Open and hash the file `name`, plain or gz by its content; '-' is the standard input.

    What cannot be read twice (a pipe) is first copied to a temporary file. Raises SourceError, here or while
    the lines are read.
    """
    with contextlib.ExitStack() as stack:
        with _faults_named(name):
            file = stack.enter_context(_open(name))
            content = file
            if file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC:
                content = cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=file)))
            file.seek(0)
            source = Source(name, file, content, reading)
        yield source


@contextlib.contextmanager
def _faults_named(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(f"{name} is not a complete gz file: {error}") from error
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

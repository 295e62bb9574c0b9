"""Traces as JSON lines in a file of this machine: `sluice trace` reads them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from shared.tracing import Span

MOST_BYTES = 32 * 1024 * 1024

_lines = msgspec.json.Decoder(Span)


class TraceFile:
    """Appends each span as a line; a file that has grown to MOST_BYTES makes room, and the one before it is dropped.

    What a full disk does not take is left out: no request fails for its trace.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._encoder = msgspec.json.Encoder()

    def export(self, span: Span) -> None:
        line = self._encoder.encode(span) + b"\n"
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)  # one write is one line, whoever else appends
                grown = os.fstat(file).st_size > MOST_BYTES
            finally:
                os.close(file)
            if grown:
                self._path.replace(self._path.with_suffix(".old.jsonl"))

    def close(self) -> None:
        """Nothing waits."""


def read_spans(folder: Path) -> Iterator[Span]:
    """Every span kept there; a line that was cut off is left out."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                yield _lines.decode(line)

"""Just enough HTTP/1.1 to read one answer at a time, in any number of pieces."""

import re

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "
_LENGTH_ANYHOW = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_BODILESS = (204, 304)
_ACCEPTED = re.compile(rb'"accepted": ?(\d+)')


class AnswerError(Exception):
    """The answer is not HTTP/1.1 as this generator reads it (status line, Content-Length, no chunks)."""


class AnswerParser:
    """Reads answers that come one after the other; `body` is that of the last complete one."""

    __slots__ = ("_pending", "body")

    def __init__(self) -> None:
        self._pending = b""
        self.body = b""

    def feed(self, data: bytes) -> int:
        """Return the status of the answer `data` completes, 0 while incomplete; raises AnswerError."""
        if self._pending:
            data = self._pending + data
        end = data.find(_END)
        if end < 0:
            self._pending = data
            return 0
        status = _status(data)
        start = end + len(_END)
        stop = start + _length(data, end, status)
        if len(data) < stop:
            self._pending = data
            return 0
        if len(data) > stop:
            raise AnswerError(f"{len(data) - stop} bytes follow the answer")
        self._pending = b""
        self.body = data[start:stop]
        return status


def _status(data: bytes) -> int:
    if not data.startswith(b"HTTP/1."):
        raise AnswerError(f"the answer starts with {data[:20]!r}")
    return int(data[9:12])


def _length(data: bytes, end: int, status: int) -> int:
    at = data.find(_LENGTH, 0, end)
    if at >= 0:
        start = at + len(_LENGTH)
        line_end = data.find(b"\r", start)
        return int(data[start:line_end])
    if status in _BODILESS:
        return 0
    found = _LENGTH_ANYHOW.search(data, 0, end)
    if found is None:
        raise AnswerError("the answer has no Content-Length")
    return int(found[1])


def accepted_of(body: bytes) -> int:
    """Read the number after `"accepted":` in an ingest answer; 0 if there is none."""
    found = _ACCEPTED.search(body)
    return int(found[1]) if found else 0

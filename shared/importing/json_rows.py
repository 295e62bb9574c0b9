"""Rows of JSON: one object a line (NDJSON), or one list of objects; and plain lines of text."""

import codecs
import json
from collections.abc import Iterator

import msgspec

from shared.importing.mapping import Fields, decode_row
from shared.importing.rows import Row
from shared.importing.source import MAX_LINE_BYTES, Source, SourceError
from shared.refusals import Refusal, Rejected

MAX_COLUMNS = 2_000
_CHUNK_CHARACTERS = 1024 * 1024
_BLANK = " \t\r\n"
_INT64_DIGITS = 18
_HUGEINT_DIGITS = 38


class NdjsonRows:
    """One JSON object a line; a line keeps its bytes, and a bad one spoils only itself."""

    tabular = False
    named = False

    def __init__(self, source: Source, skip: int = 0) -> None:
        self._source = source
        self._skip = skip

    def total(self) -> int:
        return max(0, self._source.line_count - self._skip)

    def columns(self) -> dict[str, str]:
        return discovered(iter(self))

    def __iter__(self) -> Iterator[Row]:
        for number, line in self._source.lines():
            if number <= self._skip:
                continue
            yield Row(number, b"", _too_long()) if line is None else Row(number, line)


class TextRows:
    """Lines of text, each as an object with the one field `line`."""

    tabular = True
    named = False

    def __init__(self, source: Source, encoding: str, skip: int = 0) -> None:
        self._source = source
        self._encoding = encoding
        self._skip = skip

    def total(self) -> int:
        return max(0, self._source.line_count - self._skip)

    def columns(self) -> dict[str, str]:
        return {"line": "VARCHAR"}

    def __iter__(self) -> Iterator[Row]:
        for number, line in self._source.lines():
            if number > self._skip:
                yield Row(number, b"", _too_long()) if line is None else self._row(number, line)

    def _row(self, number: int, line: bytes) -> Row:
        try:
            return Row(number, msgspec.json.encode({"line": line.decode(self._encoding)}))
        except UnicodeDecodeError as error:
            detail = f"the line is not {self._encoding} ({error.reason}); give --encoding"
            return Row(number, line, Rejected(Refusal.BAD_TEXT, detail))


class ArrayRows:
    """The elements of one JSON list, numbered from 1; each keeps its bytes.

    All of it is read once beforehand: a damaged list cannot be read on after its fault, so that nothing of it
    is sent.
    """

    tabular = False
    named = False

    def __init__(self, source: Source) -> None:
        self._source = source
        self._total = sum(1 for _ in self)

    def total(self) -> int:
        return self._total

    def columns(self) -> dict[str, str]:
        return discovered(iter(self))

    def __iter__(self) -> Iterator[Row]:
        for number, text in enumerate(_Elements(self._source), start=1):
            yield Row(number, text.encode())


class _Elements:
    """Cuts a list of any length into the texts of its elements, holding little more than one of them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._decode = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
        self._text = ""
        self._at = 0
        self._count = 0

    def __iter__(self) -> Iterator[str]:
        with self._source.from_start() as content:
            self._pieces = iter(lambda: content.read(_CHUNK_CHARACTERS), b"")
            self._bytes = codecs.getincrementaldecoder("utf-8-sig")()
            self._text, self._at, self._count = "", 0, 0
            self._expect("[")
            if self._next_character() == "]":
                self._at += 1
            else:
                yield from self._elements()
            if self._next_character():
                raise self._fault("something stands after its end")

    def _elements(self) -> Iterator[str]:
        while True:
            self._count += 1
            yield self._element()
            if self._expect(",]") == "]":
                return

    def _element(self) -> str:
        self._next_character()
        while True:
            try:
                _, end = self._decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > MAX_LINE_BYTES or not self._read_more():
                    raise self._fault(f"element {self._count} is not sound JSON ({error.msg})") from error
            except RecursionError as error:
                raise self._fault(f"element {self._count} is nested too deeply") from error
            else:
                if end < len(self._text) or not self._read_more():  # a number could go on
                    text, self._at = self._text[self._at : end], end
                    return text

    def _expect(self, allowed: str) -> str:
        found = self._next_character()
        if not found or found not in allowed:
            raise self._fault(f"after element {self._count} stands {found or 'the end'!r}, not one of {allowed}")
        self._at += 1
        return found

    def _next_character(self) -> str:
        """The next character that is not blank, which stays the next one; '' at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_more():
                return ""

    def _read_more(self) -> bool:
        piece = next(self._pieces, None)
        try:
            more = self._bytes.decode(piece or b"", final=piece is None)
        except UnicodeDecodeError as error:
            raise self._fault(f"it is not valid UTF-8 after element {self._count}") from error
        self._text, self._at = self._text[self._at :] + more, 0
        return piece is not None

    def _fault(self, what: str) -> SourceError:
        return SourceError(f"{self._source.name} is not a sound JSON list: {what}")


def discovered(rows: Iterator[Row]) -> dict[str, str]:
    """The columns of all rows, each with the narrowest DuckDB type that holds every value of it unchanged.

    Texts stay texts, also those that look like dates. What is of several kinds, or nested, is JSON. Raises
    SourceError for keys that SQL cannot tell apart, or too many of them.
    """
    kinds: dict[str, set[str]] = {}
    for row in rows:
        if row.fault is None:
            for name, value in _fields(row.data).items():
                kinds.setdefault(name, set()).add(_kind(bytes(value)))
        if len(kinds) > MAX_COLUMNS:
            raise SourceError(f"the rows have more than {MAX_COLUMNS} different keys; --map can read them")
    folded: dict[str, str] = {}
    for name in kinds:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise SourceError(f"SQL cannot tell the keys {other!r} and {name!r} apart; --map can")
    return {name: _column_type(found - {"null"}) for name, found in kinds.items()}


def _fields(data: bytes) -> Fields:
    try:
        return decode_row(data)
    except Rejected:  # the row is refused with its reason when it is read to be sent
        return {}


def _kind(value: bytes) -> str:
    match value[:1]:
        case b'"':
            return "text"
        case b"t" | b"f":
            return "truth"
        case b"n":
            return "null"
        case b"{" | b"[":
            return "nested"
    if set(value) & set(b".eE"):
        return "fraction"
    digits = len(value.removeprefix(b"-"))
    return "integer" if digits <= _INT64_DIGITS else "huge" if digits <= _HUGEINT_DIGITS else "nested"


def _column_type(kinds: set[str]) -> str:
    if kinds <= {"text"}:
        return "VARCHAR"
    if kinds == {"truth"}:
        return "BOOLEAN"
    if kinds == {"integer"}:
        return "BIGINT"
    if kinds <= {"integer", "huge"}:
        return "HUGEINT"
    return "DOUBLE" if kinds <= {"integer", "fraction"} else "JSON"


def _too_long() -> Rejected:
    return Rejected(Refusal.EVENT_TOO_LARGE, f"the line is longer than {MAX_LINE_BYTES} bytes")

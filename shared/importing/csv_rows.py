"""Rows of CSV files, all values texts. An empty cell has no value.

Python's reader, not DuckDB's: that one drops what follows an unclosed quote without a word, and refuses a whole
file for one line that ends differently from the others.
"""

import csv
import io
import itertools
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from shared.importing.rows import Row
from shared.importing.source import MAX_LINE_BYTES, Source, SourceError
from shared.refusals import Refusal, Rejected

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"')


class CsvRows:
    """The records after the header (or all of them, with `columns` named); a bad one spoils only itself.

    A row's number is that of the line it begins in. `delimiter` is by default the one that stands most often
    in the first line, out of comma, semicolon, tab and bar.
    """

    tabular = True
    named = True

    def __init__(
        self, source: Source, *, encoding: str = "utf-8", delimiter: str = "", columns: list[str], skip: int = 0
    ) -> None:
        self._source = source
        self._encoding = "utf-8-sig" if encoding.replace("-", "").casefold() == "utf8" else encoding
        self._skip = skip
        self._has_header = not columns
        self._delimiter = delimiter or self._likely_delimiter()
        self._names = unique_names(columns or self._header())

    def total(self) -> int:
        return max(0, self._source.line_count - self._skip - self._has_header)

    def columns(self) -> dict[str, str]:
        return dict.fromkeys(self._names, "VARCHAR")

    def __iter__(self) -> Iterator[Row]:
        wanted = self._has_header
        for line, values, fault in self._records():
            if wanted and fault is None:
                wanted = False
            elif fault is not None:
                yield Row(line, _shown(values), fault)
            else:
                yield self._row(line, values)

    def _row(self, line: int, values: list[str]) -> Row:
        if len(values) != len(self._names):
            detail = f"{len(values)} values for {len(self._names)} columns"
            return Row(line, _shown(values), Rejected(Refusal.WRONG_SHAPE, detail))
        try:
            data = msgspec.json.encode({n: value for n, value in zip(self._names, values, strict=True) if value})
        except UnicodeEncodeError:
            detail = f"the line is not {self._encoding.removesuffix('-sig')}; give --encoding, as in cp1252"
            return Row(line, _shown(values), Rejected(Refusal.BAD_TEXT, detail))
        return Row(line, data)

    def _records(self) -> Iterator[tuple[int, list[str], Rejected | None]]:
        """Each record's first line, its values, and what is wrong with it; blank lines are left out."""
        with self._source.from_start() as content:
            # What is not of the encoding becomes half a surrogate, which no JSON can hold: `_row` refuses it.
            text = io.TextIOWrapper(content, self._encoding, errors="surrogateescape", newline="")
            reader = csv.reader(self._lines(text), delimiter=self._delimiter, strict=True)
            try:
                yield from self._read(reader)
            except UnicodeError as error:
                raise SourceError(f"{self._source.name} is not {self._encoding}: {error}") from error
            finally:
                text.detach()

    def _read(self, reader: Any) -> Iterator[tuple[int, list[str], Rejected | None]]:
        while True:
            line = self._skip + reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                last = self._skip + reader.line_num
                where = f"line {line}" if last <= line else f"lines {line} to {last}"
                detail = f"{where}: {error}; is a quote never closed, or one not doubled?"
                yield line, [], Rejected(Refusal.WRONG_SHAPE, detail)
            else:
                if values:
                    yield line, values, None

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        for number in range(self._source.line_count * 2 + 2):  # it may grow; \r alone ends lines too
            line = text.readline(MAX_LINE_BYTES)
            if not line:
                return
            if len(line) == MAX_LINE_BYTES:
                raise SourceError(f"line {number + 1} of {self._source.name} is too long; is it a CSV file?")
            if number >= self._skip:
                yield line

    def _likely_delimiter(self) -> str:
        lines = self._source.beginning.decode(self._encoding, errors="replace").splitlines()
        first = _QUOTED.sub("", next(iter(lines[self._skip :]), ""))
        return max(_DELIMITERS, key=first.count)

    def _header(self) -> list[str]:
        return next((values for _, values, fault in self._records() if fault is None), [])


def unique_names(names: list[str]) -> list[str]:
    """The names as keys of one object: trimmed, a nameless column is `column_3`, a repeated name `name_2`."""
    found: list[str] = []
    for place, name in enumerate(names, start=1):
        first = name.strip() or f"column_{place}"
        numbered = (f"{first}_{number}" for number in itertools.count(2))
        found.append(next(wanted for wanted in itertools.chain([first], numbered) if wanted not in found))
    return found


def _shown(values: list[str]) -> bytes:
    return msgspec.json.encode([value.encode(errors="replace").decode() for value in values]) if values else b""

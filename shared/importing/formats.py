"""Which format a file has, and its rows."""

import re
from enum import StrEnum
from pathlib import PurePath

import msgspec

from shared.importing.csv_rows import CsvRows
from shared.importing.json_rows import ArrayRows, NdjsonRows, TextRows
from shared.importing.parquet_rows import ParquetRows
from shared.importing.rows import Rows
from shared.importing.source import Source

_PACKED = (".gz", ".gzip", ".zst", ".zstd")
_PARQUET_MAGIC = b"PAR1"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OBJECT_LINE = re.compile(rb"^\s*\{", re.MULTILINE)
_LIST = re.compile(rb"\[\s*(\{|\]|$)")


class Format(StrEnum):
    """What a file can be; packed or not is seen separately."""

    NDJSON = "ndjson"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"
    LINES = "lines"


_SUFFIXES = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".csv": Format.CSV,
    ".tsv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


class ReadOptions(msgspec.Struct, frozen=True):
    """How to read a file: what the user says of it; the rest is found out.

    `columns` names those of a CSV without a header, `skip` is how many lines to leave out at the beginning.
    """

    format: Format | None = None
    encoding: str = "utf-8"
    delimiter: str = ""
    columns: tuple[str, ...] = ()
    skip: int = 0


def open_rows(source: Source, options: ReadOptions) -> Rows:
    """The rows of a file; raises SourceError."""
    match options.format or detect(source.name, source.beginning):
        case Format.NDJSON:
            return NdjsonRows(source, options.skip)
        case Format.JSON:
            return ArrayRows(source)
        case Format.PARQUET:
            return ParquetRows(source)
        case Format.LINES:
            return TextRows(source, options.encoding, options.skip)
        case Format.CSV:
            return CsvRows(
                source,
                encoding=options.encoding,
                delimiter=options.delimiter,
                columns=list(options.columns),
                skip=options.skip,
            )


def detect(name: str, beginning: bytes) -> Format:
    """The format by content where that is plain, by the name's ending, else by content at a guess."""
    if beginning.startswith(_PARQUET_MAGIC):
        return Format.PARQUET
    path = PurePath(name)
    suffix = (path.with_suffix("") if path.suffix in _PACKED else path).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    text = beginning.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if _LIST.match(text):
        return Format.JSON
    return Format.CSV if text and not _OBJECT_LINE.search(text) else Format.NDJSON

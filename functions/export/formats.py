"""Batches of Arrow → bytes of a file: Parquet, CSV or NDJSON, packed as asked, in bounded memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from functions.export.columns import Column, schema
from shared.objects import Sink
from shared.refusals import Refusal, Rejected

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["parquet", "csv", "json"]
Compression = Literal["none", "gzip", "zstd", "snappy"]
# What a spreadsheet would take for a formula at the begin of a cell (OWASP: CSV injection).
FORMULA = r"^([=+\-@\t\r\n])"

_CONTENT_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/x-ndjson",
}
_ENDINGS = {"gzip": ".gz", "zstd": ".zst"}
_TIME = "%Y-%m-%dT%H:%M:%SZ"  # the seconds come with six decimals, as the column has


class Layout(msgspec.Struct, frozen=True):
    """How a file is written. `formulas`: whether cells of CSV that look like one are made harmless by a `'`."""

    format: Format
    compression: Compression
    formulas: Literal["escape", "keep"] = "escape"

    @property
    def ending(self) -> str:
        """The end of a file's name."""
        if self.format == "parquet":
            return ".parquet"
        return {"csv": ".csv", "json": ".ndjson"}[self.format] + _ENDINGS.get(self.compression, "")

    @property
    def content_type(self) -> str:
        if self.format != "parquet" and self.compression != "none":
            return {"gzip": "application/gzip", "zstd": "application/zstd"}[self.compression]
        return _CONTENT_TYPES[self.format]


def layout(wanted: Format, compression: Compression | None, formulas: Literal["escape", "keep"] = "escape") -> Layout:
    """The layout, zstd for Parquet and no compression for texts where none is named; refuses snappy for texts."""
    if compression is None:
        return Layout(wanted, "zstd" if wanted == "parquet" else "none", formulas)
    if compression == "snappy" and wanted != "parquet":
        raise Rejected(Refusal.BAD_REQUEST, f"{wanted} is packed with gzip or zstd, or with none")
    return Layout(wanted, compression, formulas)


class Writer(Protocol):
    """Takes batches of the columns in their order, whatever they are called; `close` writes what ends a file."""

    def write(self, batch: "pa.RecordBatch") -> None: ...

    def close(self) -> None: ...


@contextmanager
def open_writer(wanted: Layout, columns: Sequence[Column], sink: Sink) -> Iterator[Writer]:
    """The writer of a file into a sink, which stays open; the file is whole when the block has ended well."""
    output = _Output(sink)
    kinds: dict[Format, type[_Parquet | _Csv | _Json]] = {"parquet": _Parquet, "csv": _Csv, "json": _Json}
    made = kinds[wanted.format](wanted, columns, output)
    try:
        yield made
    except BaseException:
        output.abandoned = True  # what the library still wants to write goes nowhere
        made.close()
        raise
    made.close()


class _Output:
    """A sink as the file that pyarrow wants."""

    closed = False

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._written = 0
        self.abandoned = False

    def write(self, data: Any) -> int:
        if not self.abandoned:
            self._sink.write(bytes(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """A sink has no say in that."""

    def close(self) -> None:
        """The sink is closed by whoever opened it."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def _stream(wanted: Layout, output: _Output) -> Any:
    import pyarrow as pa

    file = pa.PythonFile(output, mode="w")
    return file if wanted.compression == "none" else pa.CompressedOutputStream(file, wanted.compression)


class _Parquet:
    """Each batch is a row group."""

    def __init__(self, wanted: Layout, columns: Sequence[Column], output: "_Output") -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._schema = schema(columns)
        self._file = pa.PythonFile(output, mode="w")
        self._writer = pq.ParquetWriter(self._file, self._schema, compression=wanted.compression)

    def write(self, batch: "pa.RecordBatch") -> None:
        import pyarrow as pa

        arrays = [_cast(array, wanted.type) for array, wanted in zip(batch.columns, self._schema, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
        self._file.close()


def _cast(array: Any, wanted: Any) -> Any:
    return array if array.type == wanted else array.cast(wanted)


class _Csv:
    """RFC 4180 with a header; null is empty, times are ISO 8601, maps are JSON."""

    def __init__(self, wanted: Layout, columns: Sequence[Column], output: "_Output") -> None:
        import pyarrow as pa
        from pyarrow import csv

        self._columns = columns
        self._escape = wanted.formulas == "escape"
        self._schema = pa.schema([(column.name, _csv_type(column)) for column in columns])
        self._stream = _stream(wanted, output)
        self._writer = csv.CSVWriter(self._stream, self._schema)

    def write(self, batch: "pa.RecordBatch") -> None:
        import pyarrow as pa

        arrays = [self._cells(array, column) for array, column in zip(batch.columns, self._columns, strict=True)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
        self._stream.close()

    def _cells(self, array: Any, column: Column) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        if column.kind in {"bool", "number"}:
            return array
        if column.kind == "time":
            return pc.strftime(array, format=_TIME)
        if column.kind == "map":
            return pa.array([msgspec.json.encode(dict(pairs)).decode() for pairs in array.to_pylist()], pa.string())
        return pc.replace_substring_regex(array, FORMULA, r"'\1") if self._escape else array


def _csv_type(column: Column) -> "pa.DataType":
    import pyarrow as pa

    return {"bool": pa.bool_(), "number": pa.float64()}.get(column.kind, pa.string())


class _Json:
    """One object a line; properties and context are the objects that were sent, byte for byte; null where absent.

    The values come as texts of JSON (`select_list(…, as_json=True)`).
    """

    def __init__(self, wanted: Layout, columns: Sequence[Column], output: "_Output") -> None:
        names = [msgspec.json.encode(column.name).decode() for column in columns]
        self._between = [("," if number else "{") + f"{name}:" for number, name in enumerate(names)]
        self._stream = _stream(wanted, output)

    def write(self, batch: "pa.RecordBatch") -> None:
        import pyarrow.compute as pc

        pieces = [piece for pair in zip(self._between, batch.columns, strict=True) for piece in pair]
        lines = pc.binary_join_element_wise(*pieces, "}\n", "")
        if len(lines):
            self._stream.write(lines.buffers()[2])  # the texts one behind the other

    def close(self) -> None:
        self._stream.close()

"""Rows of Parquet files, read by DuckDB in file order."""

from collections.abc import Iterator

from shared.importing.duck import described, open_duck, row_as_json, type_from_json
from shared.importing.rows import Row
from shared.importing.source import Source, SourceError

_READ = "SELECT * FROM read_parquet(?, hive_partitioning = false, union_by_name = false)"
_COUNT = "SELECT count(*) FROM read_parquet(?, hive_partitioning = false)"
_FETCHED = 2_000


class ParquetRows:
    """The rows of one file, numbered from 1; NULL is no value. Types become JSON as in `row_as_json`."""

    tabular = True
    named = True

    def __init__(self, source: Source) -> None:
        self._source = source
        self._total, self._types = self._look()

    def total(self) -> int:
        return self._total

    def columns(self) -> dict[str, str]:
        return {name: type_from_json(kind) for name, kind in self._types.items()}

    def __iter__(self) -> Iterator[Row]:
        import duckdb

        with self._source.as_file() as path:
            connection = open_duck(path)
            try:
                found = connection.execute(f"SELECT {row_as_json(self._types)} FROM ({_READ})", [str(path)])
                number = 0
                while rows := found.fetchmany(_FETCHED):
                    for (text,) in rows:
                        number += 1
                        yield Row(number, text.encode())
            except duckdb.Error as error:
                raise self._fault(error) from error
            finally:
                connection.close()

    def _look(self) -> tuple[int, dict[str, str]]:
        import duckdb

        with self._source.as_file() as path:
            connection = open_duck(path)
            try:
                counted = connection.execute(_COUNT, [str(path)]).fetchone()
                return int(counted[0]) if counted else 0, described(connection, _READ, [str(path)])
            except duckdb.Error as error:
                raise self._fault(error) from error
            finally:
                connection.close()

    def _fault(self, error: Exception) -> SourceError:
        return SourceError(f"{self._source.name} cannot be read as Parquet: {str(error).splitlines()[0]}")

"""Half a million invoice lines exported by a worker process, read back by pyarrow and DuckDB: the published numbers."""

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset
import pytest

from tests.integration.exporting import exports
from tests.integration.reading import Stored, stored

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "online_retail"
RANGE = {"start": "2010-12-01", "end": "2011-12-31"}
COLUMNS = ["event_id", "event", "timestamp", "user_id", "revenue", "properties", "properties.Country"]
_CHUNK = 50_000

# As `sluice import` maps the file; every line has an id of its own, as some lines are there twice.
LINES = """
SELECT to_json({
    'project_id': $project, 'event': if(InvoiceNo LIKE 'C%', 'cancel', 'purchase'), 'user_id': coalesce(CustomerID, ''),
    'timestamp': strftime(InvoiceDate::TIMESTAMP, '%Y-%m-%d %H:%M:%S.000000'), 'event_id': md5(number::VARCHAR)::UUID,
    'received_at': '2026-03-31 12:00:00.000000', 'revenue': Quantity::INT * UnitPrice::DOUBLE,
    'properties_raw': to_json({'InvoiceNo': InvoiceNo, 'StockCode': StockCode, 'Quantity': Quantity::INT,
        'UnitPrice': UnitPrice::DOUBLE, 'Country': Country, 'Description': Description})::VARCHAR
})::VARCHAR
FROM (SELECT *, row_number() OVER () AS number FROM read_csv($file, all_varchar = true))
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    if not DATA.is_dir():
        pytest.skip("the invoices are not there: ../shared/data/online_retail")
    with stored(tmp_path_factory.mktemp("retail")) as found:
        yield found


@pytest.fixture(scope="module")
def project(engine: Stored) -> uuid.UUID:
    """A project with every line."""
    made = uuid.uuid4()
    with duckdb.connect() as connection:
        values = {"project": str(made), "file": str(DATA / "online_retail.csv.gz")}
        found = connection.execute(LINES, values)
        while rows := found.fetchmany(_CHUNK):
            lines = "\n".join(text for (text,) in rows).encode()
            engine.run(engine.warehouse.insert_json_lines("events", lines))
    return made


@pytest.fixture(scope="module")
def answers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "answers.json").read_text())
    return found


def exported(engine: Stored, catalog_url: str, folder: Path, project: uuid.UUID, **asked: Any) -> list[str]:
    """The files of an export that a process of its own has written."""

    async def start() -> Any:
        async with exports(engine, catalog_url, folder, project=project) as made:
            return await made.start(columns=COLUMNS, **RANGE, **asked)

    async def finish() -> dict[str, Any]:
        async with exports(engine, catalog_url, folder, project=project) as made:
            return await made.finished(job)

    job = asyncio.run(start())
    argv = [sys.executable, "-m", "tests.integration.export_worker", catalog_url]
    argv += [engine.warehouse._url.geturl(), str(folder), str(job.id), "30", "200000"]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=200)
    result = asyncio.run(finish())
    assert result["stable"]
    return [str(folder / result["prefix"] / file["name"]) for file in result["files"]]


def agree(source: str, answers: dict[str, Any]) -> None:
    """DuckDB's answers from what it read are the published ones."""
    totals = answers["totals"]
    with duckdb.connect() as connection:

        def ask(sql: str) -> list[Any]:
            return connection.execute(sql.format(source=source)).fetchall()

        sql = "SELECT count(*), count(DISTINCT event_id::VARCHAR), count(DISTINCT user_id::VARCHAR) FROM {source}"
        assert ask(sql) == [(totals["rows"], totals["rows"], totals["customers"])]
        assert dict(ask("SELECT event, count(*) FROM {source} GROUP BY 1")) == totals["by_event_rows"]
        [(revenue,)] = ask("SELECT sum(revenue::DOUBLE) FROM {source}")
        assert revenue == pytest.approx(totals["revenue_all_rows"], abs=0.005)
        months = "SELECT strftime(timestamp::TIMESTAMP, '%Y-%m'), count(*) FROM {source} GROUP BY 1"
        assert dict(ask(months)) == answers["monthly_rows"]
        countries = 'SELECT "properties.Country", count(*) FROM {source} GROUP BY 1 ORDER BY 2 DESC LIMIT 10'
        assert ask(countries) == [tuple(row) for row in answers["top_countries_rows"]]
        [(units,)] = ask("SELECT sum((properties::JSON->>'Quantity')::BIGINT) FROM {source}")
        assert units == totals["units"]


def also(table: Any, answers: dict[str, Any]) -> None:
    """So are pyarrow's."""
    totals = answers["totals"]
    assert table.num_rows == totals["rows"]
    assert pc.count_distinct(table["event_id"]).as_py() == totals["rows"]
    assert pc.count_distinct(table["user_id"]).as_py() == totals["customers"]
    counted = {one["values"]: one["counts"] for one in pc.value_counts(table["event"]).to_pylist()}
    assert counted == totals["by_event_rows"]
    assert pc.sum(table["revenue"]).as_py() == pytest.approx(totals["revenue_all_rows"], abs=0.005)


def test_the_invoices_as_parquet_are_the_published_numbers(
    engine: Stored, project: uuid.UUID, answers: dict[str, Any], catalog_url: str, tmp_path: Path
) -> None:
    files = exported(engine, catalog_url, tmp_path, project)
    assert len(files) >= 3
    agree(f"read_parquet({files})", answers)
    also(pyarrow.dataset.dataset(files, format="parquet").to_table(), answers)


def test_the_invoices_as_csv_are_the_published_numbers(
    engine: Stored, project: uuid.UUID, answers: dict[str, Any], catalog_url: str, tmp_path: Path
) -> None:
    files = exported(engine, catalog_url, tmp_path, project, format="csv", compression="gzip")
    agree(f"read_csv({files}, all_varchar = true)", answers)
    options = pa.csv.ParseOptions(newlines_in_values=True)
    how = pa.csv.ConvertOptions(strings_can_be_null=True, column_types={"user_id": pa.string()})
    also(pa.concat_tables(pa.csv.read_csv(file, parse_options=options, convert_options=how) for file in files), answers)


def test_the_invoices_as_json_are_the_published_numbers(
    engine: Stored, project: uuid.UUID, answers: dict[str, Any], catalog_url: str, tmp_path: Path
) -> None:
    files = exported(engine, catalog_url, tmp_path, project, format="json", compression="zstd")
    agree(f"read_json({files}, format = 'newline_delimited')", answers)
    lines = [json.loads(line) for file in files for line in pa.input_stream(file).read().splitlines()]
    chosen = [{name: line[name] for name in ("event_id", "event", "user_id", "revenue")} for line in lines]
    also(pa.Table.from_pylist(chosen), answers)

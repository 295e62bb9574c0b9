"""Exports on the real engines: the files hold exactly what a query counts, whatever happens on the way."""

import asyncio
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import psutil
import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from functions.query_count.logic import CountQuery
from functions.query_count.logic import count as query_count
from shared.jobs import Job
from shared.objects import ObjectsUnavailableError, Sink
from shared.objects.folder import FolderObjects
from shared.query.filters import Filter
from tests.integration.exporting import exports, wikiticker
from tests.integration.reading import NOW, Stored, batch, row, stored

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[2]
WHOLE_DAY: dict[str, Any] = {"start": "2015-09-12", "end": "2015-09-12"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("exports")) as found:
        yield found


@pytest.fixture(scope="module")
def edits(engine: Stored) -> tuple[uuid.UUID, dict[str, Any]]:
    """A project with the wikiticker day, and the answers."""
    project = uuid.uuid4()
    return project, wikiticker(engine, project)


def files(folder: Path, result: dict[str, Any]) -> list[Path]:
    """The files of an export, each as its manifest says."""
    place = folder / result["prefix"]
    manifest = json.loads((place / "manifest.json").read_text())
    assert {path.name for path in place.iterdir()} == {"manifest.json", *(file["name"] for file in manifest["files"])}
    for file in manifest["files"]:
        data = (place / file["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    assert (manifest["rows"], manifest["version"]) == (result["rows"], result["version"])
    return [place / file["name"] for file in manifest["files"]]


def counted(engine: Stored, project: uuid.UUID, **asked: Any) -> int:
    return int(engine.run(query_count(CountQuery(**asked), project, engine.warehouse)).value or 0)


def asked(sql: str) -> list[Any]:
    """DuckDB's answer."""
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def properties(tables: list[pa.Table]) -> list[dict[str, Any]]:
    return [json.loads(text) for table in tables for text in table.column("properties").to_pylist()]


def agree(rows: list[dict[str, Any]], answers: dict[str, Any]) -> None:
    """Every number that was published for the day, counted from what was read back."""
    totals = answers["totals"]
    assert len(rows) == totals["rows"]
    for name, key in (("users", "user"), ("pages", "page"), ("channels", "channel"), ("namespaces", "namespace")):
        assert len({edit[key] for edit in rows}) == totals[name], name
    for name in ("added", "deleted", "delta"):
        assert sum(edit[name] for edit in rows) == totals[f"sum_{name}"], name
    for name in ("isRobot", "isAnonymous", "isMinor", "isNew", "isUnpatrolled"):
        assert sum(edit[name] for edit in rows) == totals[name], name
    hours: dict[str, int] = {}
    for edit in rows:
        hour = str(int(edit["time"][11:13]))
        hours[hour] = hours.get(hour, 0) + 1
    assert hours == answers["hourly"]


@pytest.mark.parametrize("compression", ["zstd", "gzip", "snappy", "none"])
def test_a_day_of_edits_as_parquet_is_the_day(
    engine: Stored, edits: tuple[uuid.UUID, dict[str, Any]], catalog_url: str, tmp_path: Path, compression: str
) -> None:
    project, answers = edits

    async def go() -> dict[str, Any]:
        async with exports(engine, catalog_url, tmp_path, project=project) as made:
            result = await made.run(compression=compression, **WHOLE_DAY)
            assert [told["state"] for told in made.told] == ["completed"]
            return result

    result = asyncio.run(go())
    found = files(tmp_path, result)
    assert len(found) > 5
    agree(properties([pq.read_table(path) for path in found]), answers)
    assert result["stable"] is True
    assert result["rows"] == counted(engine, project, start="2015-09-12", end="2015-09-12")
    names = ", ".join(f"'{path}'" for path in found)
    distinct = "count(*), count(DISTINCT user_id), count(DISTINCT event_id)"
    [(rows, users, ids)] = asked(f"SELECT {distinct} FROM read_parquet([{names}])")
    assert (rows, users, ids) == (answers["totals"]["rows"], answers["totals"]["users"], answers["totals"]["rows"])
    [(added,)] = asked(f"SELECT sum((properties->>'added')::int) FROM read_parquet([{names}])")
    assert added == answers["totals"]["sum_added"]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_a_day_of_edits_as_csv_and_as_json_is_the_day(
    engine: Stored, edits: tuple[uuid.UUID, dict[str, Any]], catalog_url: str, tmp_path: Path, compression: str
) -> None:
    project, answers = edits

    async def go(wanted: str) -> dict[str, Any]:
        async with exports(engine, catalog_url, tmp_path, project=project) as made:
            more: dict[str, Any] = {"formulas": "keep"} if wanted == "csv" else {}
            return await made.run(format=wanted, compression=compression, **more, **WHOLE_DAY)

    as_csv = files(tmp_path, asyncio.run(go("csv")))
    options = pa.csv.ParseOptions(newlines_in_values=True)
    agree(properties([pa.csv.read_csv(path, parse_options=options) for path in as_csv]), answers)
    as_json = files(tmp_path, asyncio.run(go("json")))
    lines = [line for path in as_json for line in unpacked(path).splitlines()]
    agree([json.loads(line)["properties"] for line in lines], answers)
    names = ", ".join(f"'{path}'" for path in as_json)
    sql = f"SELECT count(DISTINCT user_id) FROM read_json([{names}], format='newline_delimited')"
    assert asked(sql) == [(answers["totals"]["users"],)]


def unpacked(path: Path) -> bytes:
    with pa.input_stream(str(path)) as stream:
        return bytes(stream.read())


def test_a_range_without_events_is_one_empty_file_with_the_schema(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    async def go(wanted: str) -> dict[str, Any]:
        async with exports(engine, catalog_url, tmp_path) as made:
            asked = {"columns": ["event", "timestamp", "revenue", "bot", "lookups", "properties.a"]}
            return await made.run(format=wanted, start="2020-01-01", end="2020-12-31", **asked)

    [path] = files(tmp_path, asyncio.run(go("parquet")))
    table = pq.read_table(path)
    assert table.num_rows == 0
    assert table.schema.names == ["event", "timestamp", "revenue", "bot", "lookups", "properties.a"]
    assert table.schema.field("timestamp").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("revenue").type == pa.float64()
    [path] = files(tmp_path, asyncio.run(go("csv")))
    assert path.read_text() == '"event","timestamp","revenue","bot","lookups","properties.a"\n'
    [path] = files(tmp_path, asyncio.run(go("json")))
    assert path.read_bytes() == b""


ODD = b'{"a" : 1.10,"n":null,"big":123456789012345678901234567890,"x":"\xc3\xa9 =1+1", "deep":{"b":["=cmd"]}}'


def test_what_was_sent_comes_back_byte_for_byte_in_every_format(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    sent = row('=HYPERLINK("x"),\n"', DAY, ODD, user_id="-1", url="https://x.example/?a=1,2", revenue=12.5, bot=True)
    sent.lookups = {"products.name": "Tea"}
    engine.put(batch(project, sent))

    async def go(**asked: Any) -> Path:
        async with exports(engine, catalog_url, tmp_path, project=project) as made:
            [path] = files(tmp_path, await made.run(**asked))
            return path

    [item] = pq.read_table(asyncio.run(go())).to_pylist()
    assert (item["event"], item["user_id"], item["revenue"], item["bot"]) == (sent.event, "-1", 12.5, True)
    assert (item["properties"].encode(), dict(item["lookups"])) == (ODD, {"products.name": "Tea"})
    assert (item["browser"], item["timestamp"]) == (None, NOW - DAY)
    line = asyncio.run(go(format="json")).read_bytes()
    assert b'"properties":' + ODD in line
    item = json.loads(line)
    assert (item["timestamp"], item["sent_at"]) == ("2026-03-30T12:00:00.000000Z", None)
    assert (item["event"], item["url"], item["browser"]) == (sent.event, sent.url, None)
    assert (item["revenue"], item["bot"], item["lookups"]) == (12.5, True, {"products.name": "Tea"})
    odd = asyncio.run(go(format="json", columns=['properties.a"b\\', "properties.x", "revenue"])).read_bytes()
    assert json.loads(odd) == {'properties.a"b\\': None, "properties.x": "é =1+1", "revenue": 12.5}
    columns = ["event", "user_id", "properties", "properties.deep.b", "properties.missing", "lookups"]
    rows = duckdb.read_csv(str(asyncio.run(go(format="csv", columns=columns))), all_varchar=True).fetchall()
    assert rows == [(f"'{sent.event}", "'-1", ODD.decode(), "['=cmd']", None, '{"products.name":"Tea"}')]
    kept = asyncio.run(go(format="csv", columns=["event", "user_id"], formulas="keep"))
    assert duckdb.read_csv(str(kept), all_varchar=True).fetchall() == [(sent.event, "-1")]


def test_only_the_events_that_were_asked_for_and_only_of_the_project_are_exported(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    mine, other = uuid.uuid4(), uuid.uuid4()
    rows = [row(name, DAY * ago, {"n": ago}) for ago in range(1, 5) for name in ("a", "b", "c")]
    engine.put(batch(mine, *rows), batch(other, *rows), batch(mine, *rows))

    async def go(**asked: Any) -> list[dict[str, Any]]:
        async with exports(engine, catalog_url, tmp_path, project=mine) as made:
            result = await made.run(columns=["event", "properties.n"], **asked)
            return [item for path in files(tmp_path, result) for item in pq.read_table(path).to_pylist()]

    fewer = [{"property": "properties.n", "op": "lt", "value": 3}]
    found = asyncio.run(go(events=["a", "b"], start="2026-03-01", filters=msgspec.convert(fewer, list[Filter])))
    expected = [("a", "1"), ("a", "2"), ("b", "1"), ("b", "2")]
    assert sorted((item["event"], item["properties.n"]) for item in found) == expected
    assert len(asyncio.run(go())) == 12


def test_events_that_arrive_while_it_is_written_are_in_it_once(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    """The ledger says that windows have changed: they are written again, and the whole is one moment's."""
    project = uuid.uuid4()
    first = [row("e", timedelta(minutes=30 * number)) for number in range(1, 400)]
    engine.put(batch(project, *first))

    async def go() -> dict[str, Any]:
        async with exports(engine, catalog_url, tmp_path, project=project, part_rows=50, slice_seconds=0.0) as made:
            job = await made.start(start="2026-03-01", end="2026-03-31")
            later = iter(range(3))

            def meanwhile() -> None:
                if next(later, None) is not None:
                    new = [row("late", timedelta(minutes=30 * number + 1)) for number in range(1, 400, 7)]
                    threading.Thread(target=engine.put, args=(batch(project, *new, *first[:5]),)).run()

            await made.deliver(after=lambda: run_apart(meanwhile))
            return await made.finished(job)

    result = asyncio.run(go())
    tables = [pq.read_table(path) for path in files(tmp_path, result)]
    ids = [item for table in tables for item in table.column("event_id").to_pylist()]
    assert len(ids) == len(set(ids)) == result["rows"]
    assert result["stable"] is True
    assert result["rows"] == counted(engine, project, start="2026-03-01", end="2026-03-31")
    assert result["rows"] > 399


def run_apart(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(2))
def test_an_export_whose_workers_are_killed_is_exact(
    engine: Stored, edits: tuple[uuid.UUID, dict[str, Any]], catalog_url: str, tmp_path: Path, seed: int
) -> None:
    """Five times kill -9 at a random moment after some progress; whoever comes next goes on."""
    project, answers = edits
    chance = random.Random(seed)

    async def start() -> Job:
        async with exports(engine, catalog_url, tmp_path, project=project) as made:
            return await made.start(columns=["event_id", "properties"], **WHOLE_DAY)

    job = asyncio.run(start())
    argv = [sys.executable, "-m", "tests.integration.export_worker", catalog_url]
    argv += [engine.warehouse._url.geturl(), str(tmp_path), str(job.id), "0.5", "1000"]
    for _ in range(5):
        before = progress(catalog_url, job)
        worker = subprocess.Popen(argv, cwd=ROOT)
        while progress(catalog_url, job) == before:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.2))
        worker.kill()
        worker.wait()
    assert 0 < progress(catalog_url, job) < 1
    subprocess.run(argv, cwd=ROOT, check=True, timeout=60)

    async def finish() -> dict[str, Any]:
        async with exports(engine, catalog_url, tmp_path, project=project) as made:
            return await made.finished(job)

    found = [pq.read_table(path) for path in files(tmp_path, asyncio.run(finish()))]
    agree(properties(found), answers)
    ids = [item for table in found for item in table.column("event_id").to_pylist()]
    assert len(set(ids)) == len(ids)


def progress(catalog_url: str, job: Job) -> float:
    with psycopg.connect(catalog_url) as connection:
        [found] = connection.execute("SELECT progress FROM jobs WHERE id = %s", [job.id]).fetchone() or [0.0]
        return float(found)


class FullFor(FolderObjects):
    """A simulation: the first `times` writes find the disk full."""

    times = 3

    def writer(self, key: str, *, content_type: str = "") -> Any:
        if self.times:
            self.times -= 1
            raise ObjectsUnavailableError("the storage of objects is full: make room, it goes on by itself")
        return super().writer(key, content_type=content_type)


def test_a_full_disk_is_told_and_the_export_goes_on_when_there_is_room(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *[row("e", DAY) for _ in range(100)]))

    async def go() -> dict[str, Any]:
        objects = FullFor(tmp_path)
        async with exports(engine, catalog_url, tmp_path, project=project, objects=objects) as made:
            job = await made.start()
            for left in (2, 1, 0):
                await made.deliver()
                stopped = await made.find(job)
                assert (objects.times, stopped.state, stopped.error_code) == (left, "running", "unavailable")
                assert "full" in (stopped.error_detail or "")
            await made.deliver()
            return await made.finished(job)

    assert asyncio.run(go())["rows"] == 100


class Hiccup(FolderObjects):
    """Writes fail in the middle of a file."""

    def writer(self, key: str, *, content_type: str = "") -> Any:
        class Failing:
            def __init__(self, inner: Any) -> None:
                self._inner = inner

            def __enter__(self) -> Sink:
                self._sink = self._inner.__enter__()
                return self

            def __exit__(self, *error: object) -> Any:
                return self._inner.__exit__(*error)

            def write(self, data: bytes) -> int:
                self._sink.write(data)
                raise ObjectsUnavailableError("no more room")

        return Failing(super().writer(key, content_type=content_type))


@pytest.mark.parametrize("wanted", ["parquet", "csv", "json"])
def test_a_write_that_fails_in_the_middle_of_a_file_leaves_no_file(
    engine: Stored, catalog_url: str, tmp_path: Path, wanted: str
) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *[row("e", DAY) for _ in range(100)]))

    async def go() -> Job:
        objects = Hiccup(tmp_path)
        async with exports(engine, catalog_url, tmp_path, project=project, objects=objects) as made:
            job = await made.start(format=wanted)
            await made.deliver()
            return await made.find(job)

    assert asyncio.run(go()).error_detail == "no more room"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_cancelled_export_stops_and_leaves_no_files(engine: Stored, catalog_url: str, tmp_path: Path) -> None:
    project = uuid.uuid4()
    engine.put(batch(project, *[row("e", timedelta(minutes=number)) for number in range(1_000)]))

    async def go() -> Job:
        async with exports(engine, catalog_url, tmp_path, project=project, part_rows=50, slice_seconds=0.0) as made:
            job = await made.start()
            await made.deliver(most=4)
            assert [found.key for found in made.objects.list("")] != []
            assert await made.jobs.cancel(job.id, project)
            await made.deliver()
            assert made.told == []
            return await made.find(job)

    assert asyncio.run(go()).state == "cancelled"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_three_hundred_thousand_events_are_written_in_bounded_memory(
    engine: Stored, catalog_url: str, tmp_path: Path
) -> None:
    """A worker of ten million may take 512 MiB, libraries included; what it takes must not grow with the rows."""
    project = uuid.uuid4()
    size = 50_000
    for start in range(1, 300_000, size):
        rows = [
            row("e", timedelta(seconds=2 * n), b'{"n":%d,"t":"%b"}' % (n, b"x" * 300))
            for n in range(start, start + size)
        ]
        engine.put(batch(project, *rows))

    async def go(job: Job | None) -> Any:
        async with exports(engine, catalog_url, tmp_path, project=project) as made:
            return await made.start() if job is None else await made.finished(job)

    job = asyncio.run(go(None))
    argv = [sys.executable, "-m", "tests.integration.export_worker", catalog_url]
    argv += [engine.warehouse._url.geturl(), str(tmp_path), str(job.id), "30", "100000"]
    worker = subprocess.Popen(argv, cwd=ROOT)
    highest = 0
    while worker.poll() is None:
        with contextlib.suppress(psutil.Error):
            highest = max(highest, psutil.Process(worker.pid).memory_info().rss)
        time.sleep(0.02)
    assert asyncio.run(go(job))["rows"] == 300_000
    assert highest < 320 * 2**20

"""Exports to a real S3 server: what it refuses or breaks off is told and made up for, and no row is lost or doubled."""

import asyncio
import io
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest

from functions.export.logic import shown
from shared.clock import SYSTEM_CLOCK
from shared.objects.s3 import S3Objects
from tests.engines.s3 import S3Server
from tests.integration.exporting import exports
from tests.integration.reading import Stored, batch, row, stored

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("exports-s3")) as found:
        yield found


@pytest.fixture
def server() -> Iterator[S3Server]:
    server = S3Server().start()
    yield server
    server.remove()


def some(engine: Stored, project: uuid.UUID) -> None:
    engine.put(batch(project, *[row("e", MINUTE * n, {"n": n}) for n in range(1, 501)]))


def read_back(result: dict[str, Any]) -> list[str]:
    """The ids behind the links, as whoever has them reads the files."""
    ids: list[str] = []
    for file in result["files"]:
        with urllib.request.urlopen(file["url"], timeout=10) as answer:  # noqa: S310 (our own server)
            ids += pq.read_table(io.BytesIO(answer.read())).column("event_id").to_pylist()
    return ids


def test_a_bucket_that_is_made_later_gets_the_export_whole(
    engine: Stored, catalog_url: str, tmp_path: Path, server: S3Server
) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        objects = S3Objects(server.url_of(bucket="later"))
        async with exports(engine, catalog_url, tmp_path, project=project, objects=objects, part_rows=100) as made:
            job = await made.start()
            for _ in range(2):
                await made.deliver()
                stopped = await made.find(job)
                assert (stopped.state, stopped.error_code, stopped.attempts) == ("running", "unavailable", 0)
                assert stopped.error_detail == "the bucket later does not exist"
            (server.folder / "later").mkdir()
            await made.deliver()
            await made.finished(job)
            result = shown(await made.find(job), lambda _: objects, 60, SYSTEM_CLOCK)
            ids = await asyncio.to_thread(read_back, dict(result))
            assert len(ids) == len(set(ids)) == result["rows"] == 500
            assert len(result["files"]) > 3
        objects.close()

    asyncio.run(go())


def test_a_bucket_that_lets_nobody_in_for_a_day_fails_the_export_and_says_why(
    engine: Stored, catalog_url: str, tmp_path: Path, server: S3Server
) -> None:
    async def go() -> None:
        objects = S3Objects(server.url_of(secret="wrong-secret-value"))
        async with exports(engine, catalog_url, tmp_path, objects=objects) as made:
            job = await made.start()
            await made.deliver()
            assert (await made.find(job)).state == "running"
            with psycopg.connect(catalog_url) as connection:
                connection.execute("UPDATE jobs SET created_at = created_at - interval '25 hours'")
            await made.deliver()
            failed = await made.find(job)
            assert (failed.state, failed.error_code) == ("failed", "bad_destination")
            assert [told["error"]["code"] for told in made.told] == ["bad_destination"]
            assert "wrong-secret-value" not in (failed.error_detail or "")
        objects.close()

    asyncio.run(go())


def test_a_server_that_dies_on_the_way_costs_no_row(
    engine: Stored, catalog_url: str, tmp_path: Path, server: S3Server
) -> None:
    project = uuid.uuid4()
    some(engine, project)

    async def go() -> None:
        objects = S3Objects(server.url)
        how: dict[str, Any] = {"part_rows": 100, "slice_seconds": 0.0}
        async with exports(engine, catalog_url, tmp_path, project=project, objects=objects, **how) as made:
            job = await made.start()
            await made.deliver(most=2)
            server.kill()
            await made.deliver()
            stopped = await made.find(job)
            assert (stopped.state, stopped.error_code) == ("running", "unavailable")
            assert stopped.progress > 0
            await asyncio.to_thread(server.start)
            await made.deliver()
            await made.finished(job)
            result = shown(await made.find(job), lambda _: objects, 60, SYSTEM_CLOCK)
            ids = await asyncio.to_thread(read_back, dict(result))
            assert len(ids) == len(set(ids)) == 500
        objects.close()

    asyncio.run(go())

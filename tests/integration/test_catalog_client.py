import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvloop

from shared.catalog.client import ANSWER_SECONDS, Catalog, CatalogRefusedError, CatalogUnavailableError
from shared.catalog.projects import create_organisation, create_project, list_projects
from shared.ids import uuid7
from shared.local.engines import prepare_postgres
from shared.refusals import Refusal, Rejected

pytestmark = pytest.mark.timeout(120)

# What a busy machine may add to a timer.
SLACK_SECONDS = 0.5


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[Catalog]:
    catalog = Catalog(catalog_url)
    yield catalog
    await catalog.close()


async def seconds_until_unavailable(catalog: Catalog) -> float:
    started = time.monotonic()
    with pytest.raises(CatalogUnavailableError):
        await catalog.ping()
    return time.monotonic() - started


async def test_a_project_belongs_to_its_organisation_and_has_a_timezone(catalog: Catalog) -> None:
    organisation = await create_organisation(catalog, "Acme")
    first = await create_project(catalog, organisation["id"], "Shop")
    second = await create_project(catalog, organisation["id"], "Café", "Europe/Berlin")
    assert (first["timezone"], second["timezone"]) == ("UTC", "Europe/Berlin")
    assert first["id"].version == 7
    assert await list_projects(catalog) == [first, second]
    assert {row["organisation_id"] for row in (first, second)} == {organisation["id"]}


@pytest.mark.parametrize("name", ["", "x" * 201, "null\x00byte", "half \ud800 a pair"])
async def test_a_name_that_cannot_be_kept_is_refused(catalog: Catalog, name: str) -> None:
    with pytest.raises(CatalogRefusedError):
        await create_organisation(catalog, name)
    await catalog.ping()


async def test_a_project_of_no_organisation_is_refused(catalog: Catalog) -> None:
    with pytest.raises(CatalogRefusedError):
        await create_project(catalog, uuid7(), "orphan")


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc/passwd", "a\x00b"])
async def test_a_timezone_that_is_none_is_refused(catalog: Catalog, timezone: str) -> None:
    organisation = await create_organisation(catalog, "Acme")
    with pytest.raises(Rejected) as refused:
        await create_project(catalog, organisation["id"], "Shop", timezone)
    assert refused.value.refusal is Refusal.BAD_TIMEZONE


async def test_a_catalog_that_is_not_there_is_said_to_be_away_in_time() -> None:
    catalog = Catalog("postgresql://sluice@/sluice?host=/tmp/nobody_listens_here")
    assert await seconds_until_unavailable(catalog) < ANSWER_SECONDS + SLACK_SECONDS
    await catalog.close()


async def test_a_server_that_hangs_is_away_in_time_and_is_used_again_afterwards(
    catalog: Catalog, postgres: Any
) -> None:
    await asyncio.gather(*(catalog.ping() for _ in range(4)))
    postgres.signal_all(signal.SIGSTOP)
    try:
        hung = await asyncio.gather(*(seconds_until_unavailable(catalog) for _ in range(4)))
        later = await seconds_until_unavailable(catalog)
    finally:
        postgres.signal_all(signal.SIGCONT)
    assert max(*hung, later) < ANSWER_SECONDS + SLACK_SECONDS
    await catalog.ping()


async def test_a_cancelled_query_leaves_the_catalog_usable(catalog: Catalog) -> None:
    await catalog.ping()
    for _ in range(6):
        task = asyncio.create_task(catalog.rows("ping"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*(catalog.ping() for _ in range(8)))


async def test_what_was_committed_survives_a_killed_server_and_the_next_query_works(
    catalog: Catalog, postgres: Any, postgres_data: Path
) -> None:
    made = await create_organisation(catalog, "kept")
    await asyncio.gather(*(catalog.ping() for _ in range(8)))
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(lambda: postgres.start_again(prepare_postgres(postgres_data)))
    project = await create_project(catalog, made["id"], "first query after the restart")
    assert project["organisation_id"] == made["id"]


async def test_the_catalog_comes_back_by_itself_while_it_is_asked(
    catalog: Catalog, postgres: Any, postgres_data: Path
) -> None:
    await asyncio.to_thread(postgres.kill)
    assert await seconds_until_unavailable(catalog) < ANSWER_SECONDS + SLACK_SECONDS
    waiting = asyncio.create_task(catalog.ping())
    await asyncio.to_thread(lambda: postgres.start_again(prepare_postgres(postgres_data)))
    await asyncio.gather(waiting, return_exceptions=True)
    await catalog.ping()


async def test_idle_connections_are_closed(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.catalog.client._IDLE_SECONDS", 0.2)
    catalog = Catalog(catalog_url)
    await asyncio.gather(*(catalog.ping() for _ in range(4)))
    deadline = time.monotonic() + 10
    while await others_connected(catalog_url):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    await catalog.ping()
    await catalog.close()


async def others_connected(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        row = await (await connection.execute(count)).fetchone()
        assert row is not None
        return int(row[0])


def test_the_catalog_works_on_uvloop(catalog_url: str) -> None:
    async def work() -> list[str]:
        catalog = Catalog(catalog_url)
        organisation = await create_organisation(catalog, "Acme")
        await asyncio.gather(*(create_project(catalog, organisation["id"], f"p{i}") for i in range(20)))
        names = [row["name"] for row in await list_projects(catalog)]
        await catalog.close()
        return names

    assert sorted(uvloop.run(work())) == sorted(f"p{i}" for i in range(20))

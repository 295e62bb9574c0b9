"""The functions of one process share the connections to their catalog."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest
import uvloop

from shared.catalog import client
from shared.catalog.client import Catalog, CatalogUnavailableError
from shared.catalog.migrate import migrate
from shared.security.access import open_access

pytestmark = pytest.mark.timeout(120)

MOST = client._MOST_CONNECTIONS


@pytest.fixture
async def url(empty_catalog_url: str) -> AsyncIterator[str]:
    """A database of the test's own, so that all its connections are the test's."""
    yield empty_catalog_url
    assert empty_catalog_url not in {url for _, url in client._pools}


async def connections(url: str) -> int:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        row = await (await connection.execute(count)).fetchone()
        assert row is not None
        return int(row[0])


async def become(url: str, expected: int) -> None:
    """A server process ends a moment after its connection."""
    async with asyncio.timeout(10):
        while await connections(url) != expected:  # noqa: ASYNC110 (the server has no event to wait for)
            await asyncio.sleep(0.02)


async def test_the_functions_of_a_process_have_the_connections_of_one(url: str) -> None:
    await asyncio.to_thread(migrate, url)
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(open_access(url)) for _ in range(12)]
        await asyncio.gather(*(access.ready() for access in opened for _ in range(10)))
        assert 0 < await connections(url) <= MOST
    await become(url, 0)


async def test_who_closes_takes_the_connections_from_nobody_else(url: str) -> None:
    leaving, staying = Catalog(url), Catalog(url)
    await asyncio.gather(leaving.ping(), staying.ping())
    under_way = asyncio.create_task(staying.ping())
    await leaving.close()
    await leaving.close()
    await under_way
    await staying.ping()
    await staying.close()
    await become(url, 0)


async def test_a_catalog_never_asked_counts_for_nothing(url: str) -> None:
    asked, idle = Catalog(url), Catalog(url)
    await asked.ping()
    await idle.close()
    await asked.ping()
    await asked.close()
    await become(url, 0)


async def test_who_asks_while_the_last_one_closes_is_answered(url: str) -> None:
    for _ in range(20):
        leaving, coming = Catalog(url), Catalog(url)
        await leaving.ping()
        await asyncio.gather(leaving.close(), coming.ping())
        await coming.ping()
        await coming.close()


async def test_a_closed_catalog_may_be_asked_again(url: str) -> None:
    catalog = Catalog(url)
    for _ in range(3):
        await catalog.ping()
        await catalog.close()
    await become(url, 0)


async def test_another_url_is_another_pool(url: str) -> None:
    here, elsewhere = Catalog(url), Catalog("postgresql://sluice@/sluice?host=/tmp/nobody_listens_here")
    with pytest.raises(CatalogUnavailableError):
        await elsewhere.ping()
    await here.ping()
    await elsewhere.close()
    await here.ping()
    await here.close()


async def test_another_event_loop_has_a_pool_of_its_own(url: str) -> None:
    async def ask() -> None:
        catalog = Catalog(url)
        await asyncio.gather(*(catalog.ping() for _ in range(5)))
        await catalog.close()

    here = Catalog(url)
    await here.ping()
    await asyncio.gather(*(asyncio.to_thread(uvloop.run, ask()) for _ in range(3)))
    await here.ping()
    await here.close()


async def test_a_query_that_was_cancelled_first_leaves_the_pool_to_the_others(url: str) -> None:
    gone, staying = Catalog(url), Catalog(url)
    task = asyncio.create_task(gone.ping())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await staying.ping()
    await gone.close()
    await staying.ping()
    await staying.close()

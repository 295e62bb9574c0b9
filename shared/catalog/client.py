"""The client every function uses for the catalog: a small psycopg pool and queries from files."""

import asyncio
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.refusals import UnavailableError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

ANSWER_SECONDS = 2.0
_MOST_CONNECTIONS = 4
_IDLE_SECONDS = 60
_SQL = Path(__file__).parent / "sql"

Row = dict[str, Any]


class CatalogUnavailableError(UnavailableError):
    """The catalog is away or slow; what was asked may be asked again."""


class Catalog:
    """Runs the query files of shared/catalog/sql; connects at the first one and again by itself after a fault."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: AsyncConnectionPool[AsyncConnection[Row]] | None = None

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of `sql/<query>.sql`; raises CatalogUnavailableError within ANSWER_SECONDS where nobody answers."""
        import psycopg
        import psycopg_pool

        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                pool = await self._opened()
                async with pool.connection() as connection:
                    cursor = await connection.execute(_read(query), dict(parameters or {}))
                    return await cursor.fetchall() if cursor.description else []
        except (psycopg.OperationalError, psycopg_pool.PoolTimeout, TimeoutError) as error:
            raise CatalogUnavailableError(f"the catalog is away: {error or 'no answer'}") from error

    async def ping(self) -> None:
        """Raise CatalogUnavailableError unless the catalog answers."""
        await self.rows("ping")

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _opened(self) -> "AsyncConnectionPool[AsyncConnection[Row]]":
        if self._pool is None:
            from psycopg import AsyncConnection
            from psycopg.rows import dict_row
            from psycopg_pool import AsyncConnectionPool

            self._pool = AsyncConnectionPool(
                self._url,
                connection_class=AsyncConnection[Row],
                kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": 2},
                min_size=0,
                max_size=_MOST_CONNECTIONS,
                max_idle=_IDLE_SECONDS,
                timeout=ANSWER_SECONDS,
                check=AsyncConnectionPool.check_connection,
                open=False,
            )
            await self._pool.open()
        return self._pool


@functools.cache
def _read(query: str) -> Any:
    return (_SQL / f"{query}.sql").read_text(encoding="utf-8").encode()

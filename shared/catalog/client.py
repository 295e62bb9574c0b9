"""The client every function uses for the catalog: a small psycopg pool and queries from files.

No connection is made before the first query, and idle ones are closed: a catalog nobody asks costs nothing. All
catalogs of one URL in a process share their connections, however many functions it hosts.
"""

import asyncio
import contextlib
import functools
import os
import select
import socket
import weakref
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from shared.refusals import UnavailableError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

ANSWER_SECONDS = 2.0
# Of a process for one URL. The embedded server takes 60 in all.
_MOST_CONNECTIONS = 8
_IDLE_SECONDS = 60
_RETRY_SECONDS = 0.5
_SQL = Path(__file__).parent / "sql"

Row = dict[str, Any]


class CatalogUnavailableError(UnavailableError):
    """The catalog is away or slow; what was asked may be asked again."""


class CatalogRefusedError(Exception):
    """The catalog's rules forbid what was to be written: an unknown parent, an empty name, a scope that is none."""


class Catalog:
    """Runs the query files of shared/catalog/sql; connects at the first one and again by itself after a fault."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._shared: _SharedPool | None = None

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of `sql/<query>.sql`, each a transaction of its own.

        Raises CatalogUnavailableError within ANSWER_SECONDS where nobody answers (a write may then have happened
        or not), CatalogRefusedError where the values break a rule of the tables.
        """
        with _understood(query):
            async with self._connected() as connection:
                return await _run(connection, query, parameters)

    @contextlib.asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Transaction]":
        """Queries of which all hold or none: what is raised inside undoes them.

        It is over after ANSWER_SECONDS as a single query is, so nothing else may be waited for inside. Raises as
        `rows` does.
        """
        with _understood("a transaction"):
            async with self._connected() as connection, connection.transaction():
                yield Transaction(connection)

    async def ping(self) -> None:
        """Raise CatalogUnavailableError unless the catalog answers."""
        await self.rows("ping")

    async def close(self) -> None:
        """Let go of the connections, which the last catalog of its URL closes; a query would open them again."""
        if self._shared is not None:
            shared, self._shared = self._shared, None
            await shared.leave()

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator["AsyncConnection[Row]"]:
        """A connection that is hung up when ANSWER_SECONDS are over.

        A cancelled query would not do: psycopg then asks the server to cancel and waits for the answer, so a
        server that hangs would hold us too. A closed socket ends every wait at once.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWER_SECONDS
        pool = await self._opened()
        connection = await _live_connection(pool, deadline)
        alarm = loop.call_at(deadline, _hang_up, connection)
        try:
            yield connection
        finally:
            alarm.cancel()
            if loop.time() >= deadline:
                await pool.drain()
            await pool.putconn(connection)

    async def _opened(self) -> "AsyncConnectionPool[AsyncConnection[Row]]":
        if self._shared is None:
            self._shared = _pool_of(self._url)
            await self._shared.join()
        return self._shared.pool


class Transaction:
    """What `Catalog.transaction` gives: runs query files as the catalog does, in one transaction."""

    def __init__(self, connection: "AsyncConnection[Row]") -> None:
        self._connection = connection

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of `sql/<query>.sql`; raises as `Catalog.rows` does, and then the transaction is over."""
        with _understood(query):
            return await _run(self._connection, query, parameters)


class Queries(Protocol):
    """A catalog or a transaction: whatever runs query files."""

    async def rows(self, query: str, parameters: Mapping[str, Any] | None = None) -> list[Row]: ...


async def _run(connection: "AsyncConnection[Row]", query: str, parameters: Mapping[str, Any] | None) -> list[Row]:
    cursor = await connection.execute(_read(query), dict(parameters or {}))
    return await cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def _understood(query: str) -> Iterator[None]:
    """Raise what the client's users know instead of psycopg's errors."""
    import psycopg

    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        # Internal errors are what a server answers that is read-only for now, such as one just taking over.
        raise CatalogUnavailableError("the catalog is away") from error
    except (psycopg.IntegrityError, psycopg.DataError, UnicodeEncodeError) as error:
        raise CatalogRefusedError(f"the catalog refuses {query}: {_rule(error)}") from None


class _SharedPool:
    """The connections to one URL in one event loop, closed by the last of its users."""

    def __init__(self, key: "tuple[asyncio.AbstractEventLoop, str]") -> None:
        self._key = key
        self._users = 0
        self.pool = _new_pool(key[1])

    async def join(self) -> None:
        self._users += 1
        await self.pool.open()

    async def leave(self) -> None:
        self._users -= 1
        if not self._users:
            # First out of the table: who comes while this closes needs a pool of their own.
            del _pools[self._key]
            await self.pool.close()


# What a process has once belongs to its module. A pool works in the event loop it was made in and no other; weak,
# so that a catalog nobody closed is forgotten with its pool.
_pools: "weakref.WeakValueDictionary[tuple[asyncio.AbstractEventLoop, str], _SharedPool]" = (
    weakref.WeakValueDictionary()
)


def _pool_of(url: str) -> _SharedPool:
    key = asyncio.get_running_loop(), url
    shared = _pools.get(key)
    if shared is None:
        shared = _pools[key] = _SharedPool(key)
    return shared


def _new_pool(url: str) -> "AsyncConnectionPool[AsyncConnection[Row]]":
    from psycopg import AsyncConnection
    from psycopg.rows import dict_row
    from psycopg_pool import AsyncConnectionPool

    return AsyncConnectionPool(
        url,
        connection_class=AsyncConnection[Row],
        # Unnamed statements only: a pooler between us and the server may not keep named ones.
        kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": 2, "prepare_threshold": None},
        min_size=0,
        max_size=_MOST_CONNECTIONS,
        max_idle=_IDLE_SECONDS,
        # Its pauses between attempts would grow to minutes; who waits asks it again anyway.
        reconnect_timeout=_RETRY_SECONDS,
        open=False,
    )


async def _live_connection(
    pool: "AsyncConnectionPool[AsyncConnection[Row]]", deadline: float
) -> "AsyncConnection[Row]":
    """A connection whose server is there; raises PoolTimeout at `deadline` (the loop's time).

    The pool forgets those who wait for an attempt that failed, so it is asked again every _RETRY_SECONDS.
    """
    from psycopg_pool import PoolTimeout

    while True:
        left = deadline - asyncio.get_running_loop().time()
        try:
            connection = await pool.getconn(min(left, _RETRY_SECONDS))
        except PoolTimeout:
            if left <= _RETRY_SECONDS:
                raise
            continue
        if not _hung_up(connection):
            return connection
        # The server restarted: what else lies in the pool is as dead.
        await pool.putconn(connection)
        await pool.drain()


def _hung_up(connection: "AsyncConnection[Row]") -> bool:
    """Whether the other side closed an idle connection: only then has an idle one anything to read."""
    if connection.closed:
        return True
    looker = select.poll()  # select() itself cannot look at the high descriptors of a busy server
    looker.register(connection.fileno(), select.POLLIN)
    return bool(looker.poll(0))


def _hang_up(connection: "AsyncConnection[Row]") -> None:
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as line, contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _rule(error: Exception) -> str:
    """The rule that was broken, without the row: PostgreSQL's own words repeat it, a key's hash included."""
    constraint: str | None = getattr(getattr(error, "diag", None), "constraint_name", None)
    return constraint or type(error).__name__


@functools.cache
def _read(query: str) -> bytes:
    return (_SQL / f"{query}.sql").read_bytes()

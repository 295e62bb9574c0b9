"""Who may use a connection to the engine, with which session, and how many at once.

A connection carries one session (database and settings) for its whole life. A request that wants another
session gets another connection: opening one takes a fifth of a millisecond, so nothing is ever reset and
nothing can leak from one request into the next.
"""

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from shared.local.chdb_engine import DATABASE, Connection, Engine, EngineError

P = ParamSpec("P")
T = TypeVar("T")

UNKNOWN_SETTING = 115
TOO_MANY_SIMULTANEOUS_QUERIES = 202

_SETTING_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Session:
    """What the statements of a request see: SET and USE statements before it, the database, its settings.

    An empty database means the one of the last USE, else the default one.
    """

    database: str = DATABASE
    settings: tuple[tuple[str, str], ...] = ()
    remembered: tuple[bytes, ...] = ()

    def with_default(self, name: str, value: str) -> "Session":
        """The same with this setting, unless it is set already."""
        if any(name == known for known, _ in self.settings):
            return self
        return replace(self, settings=tuple(sorted([*self.settings, (name, value)])))

    def statements(self) -> Iterator[bytes]:
        """What brings a fresh connection to this session; EngineError for an impossible setting's name."""
        if not self.database:
            yield _use(DATABASE)
        yield from self.remembered
        if self.database:
            yield _use(self.database)
        # readonly goes last: it forbids every further change
        for last in (False, True):
            changed = [_assignment(*pair) for pair in self.settings if (pair[0] == "readonly") is last]
            if changed:
                yield f"SET {', '.join(changed)}".encode("utf-8", "surrogateescape")


def _escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, "\\" + quote)


def _use(database: str) -> bytes:
    return f"USE `{_escaped(database, '`')}`".encode("utf-8", "surrogateescape")


def _assignment(name: str, value: str) -> str:
    if not _SETTING_NAME.fullmatch(name):
        raise EngineError(UNKNOWN_SETTING, f"Setting {name} is neither a builtin setting nor a parameter")
    return f"{name} = '{_escaped(value, chr(39))}'"


@dataclass(eq=False)
class _Idle:
    session: Session
    connection: Connection = field(repr=False)


class Lease:
    """The right to use one connection of a pool with one session."""

    def __init__(self, pool: "Pool", session: Session, connection: Connection | None, *, reading: bool = False) -> None:
        self._pool = pool
        self._reading = reading
        self._session = session
        self._connection = connection
        self._running: asyncio.Future[Any] | None = None
        self.tainted = False
        self._ending = False

    async def call(self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function(connection, …)` in a thread. A cancelled caller does not stop it: the lease waits."""

        def work() -> T:
            if self._connection is None:
                self._connection = self._pool.open(self._session)
            try:
                return function(self._connection, *args, **kwargs)
            except EngineError:
                # chDB puts what a failed query had found so far in front of the connection's next result
                self.tainted = True
                raise

        future = asyncio.get_running_loop().run_in_executor(self._pool.threads, work)
        self._running = future
        return await asyncio.shield(future)

    async def end(self) -> None:
        """Cancel what runs here; the connection is not used again, so that nobody else's query is met."""
        self._ending = True
        if self._connection is not None:
            await asyncio.to_thread(self._pool.kill, self._connection.mark)

    @property
    def busy(self) -> bool:
        """Whether a call is under way in its thread."""
        return self._running is not None and not self._running.done()

    def release(self) -> None:
        """Give the connection back, if need be when its thread is."""
        if self._running is not None and not self._running.done():
            self.tainted = True
            self._running.add_done_callback(self._release_late)
            return
        kept = None if self.tainted or self._ending else self._session
        self._pool.take_back(kept, self._connection, reading=self._reading)

    def _release_late(self, ended: asyncio.Future[Any]) -> None:
        if not ended.cancelled():
            # looked at, so that asyncio does not report what nobody waits for
            ended.exception()
        self.release()


class Pool:
    """At most `size` statements at once, at most `waiting` more in line for at most `wait_seconds`.

    `reserved` of them are not for reading: slow questions do not keep new rows out.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        size: int,
        waiting: int = 100,
        wait_seconds: float = 30,
        reserved: int = 0,
        after: Sequence[bytes] = (),
    ) -> None:
        self._engine = engine
        self._after = tuple(after)
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._free_to_read = asyncio.Semaphore(max(1, size - reserved))
        self._waiting = waiting
        self._wait_seconds = wait_seconds
        self._in_line = 0
        self._readers_in_line = 0
        self._idle: deque[_Idle] = deque()
        self.busy = 0
        self.threads = ThreadPoolExecutor(size, "chdb")

    @contextlib.asynccontextmanager
    async def lease(self, session: Session, *, reading: bool = False) -> AsyncIterator[Lease]:
        """A connection with this session; EngineError 202 when too many are in line or it takes too long."""
        await self._wait(reading=reading)
        self.busy += 1
        lease = Lease(self, session, self._pick(session), reading=reading)
        try:
            yield lease
        finally:
            lease.release()

    async def _wait(self, *, reading: bool) -> None:
        """Wait for a place; readers wait for one of theirs first, in a line of their own."""
        in_line = self._readers_in_line if reading else self._in_line
        if in_line >= self._waiting:
            raise self._too_many()
        self._in_line += not reading
        self._readers_in_line += reading
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._acquire(reading=reading)
        except TimeoutError:
            raise self._too_many() from None
        finally:
            self._in_line -= not reading
            self._readers_in_line -= reading

    async def _acquire(self, *, reading: bool) -> None:
        if reading:
            await self._free_to_read.acquire()
        try:
            await self._free.acquire()
        except asyncio.CancelledError:
            if reading:
                self._free_to_read.release()
            raise

    def _too_many(self) -> EngineError:
        waiting = self._in_line + self._readers_in_line
        message = f"Too many simultaneous queries. Maximum: {self._size}, {waiting} are waiting"
        return EngineError(TOO_MANY_SIMULTANEOUS_QUERIES, message, "TOO_MANY_SIMULTANEOUS_QUERIES")

    def _pick(self, session: Session) -> Connection | None:
        for idle in reversed(self._idle):
            if idle.session == session:
                self._idle.remove(idle)
                return idle.connection
        return None

    def open(self, session: Session) -> Connection:
        """A fresh connection brought to `session`, then to what this pool adds to each (limits, readonly)."""
        return self._engine.connect([*session.statements(), *self._after])

    def kill(self, mark: str) -> None:
        """Cancel what runs on the connection of this mark; blocking."""
        self._engine.kill(mark)

    def take_back(self, session: Session | None, connection: Connection | None, *, reading: bool = False) -> None:
        """End a lease; without a session the connection is not used again."""
        self.busy -= 1
        self._free.release()
        if reading:
            self._free_to_read.release()
        if connection is None:
            return
        if session is None:
            connection.close()
            return
        self._idle.append(_Idle(session, connection))
        while len(self._idle) + self.busy > self._size:
            self._idle.popleft().connection.close()

    def close(self) -> None:
        """Close the idle connections and end the threads; only when nothing is busy."""
        while self._idle:
            self._idle.pop().connection.close()
        self.threads.shutdown()

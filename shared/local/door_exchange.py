"""One authenticated request of the door: its statement and data to the engine, the result to the client."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from shared.http import ClientGoneError, Receive
from shared.local.chdb_engine import Connection, EngineError, Insert, Result, Stats, Stream
from shared.local.chdb_pool import Lease, Pool, Session
from shared.local.door_answer import Answer
from shared.local.door_guard import Guard
from shared.local.door_request import Body, Call
from shared.local.door_sql import (
    READONLY,
    SYNTAX_ERROR,
    InsertHead,
    Statement,
    check_single,
    check_statement,
    insert_head,
    read_statement,
)

# A batch of 50,000 events is about 15 MB: it reaches the engine as one piece.
INSERT_PIECE = 16 * 1024 * 1024
RESULT_PIECE = 1024 * 1024
_LOOK_SECONDS = 0.2
_DEFAULT_FORMAT = "TabSeparated"
_QUERY_WAS_CANCELLED = 394
_KILL = re.compile(rb"\s*KILL\s+QUERY\s+WHERE\s+query_id\s*=\s*'([^'\\]+)'\s*(?:A?SYNC)?\s*;?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Login:
    """A user of the door. With a guard it only reads, and its own settings are not taken.

    `whole_bytes` bounds a result that has to be complete before it is sent.
    """

    name: str
    password: bytes
    pool: Pool
    whole_bytes: int
    guard: Guard | None = None


class Exchange:
    """Runs one request; EngineError is its refusal, ClientGoneError says nobody waits any more."""

    def __init__(
        self,
        *,
        login: Login,
        session: Session,
        call: Call,
        answer: Answer,
        content_types: Mapping[str, str],
        get: bool,
        remember: Callable[[bytes], None],
        underway: "Underway",
    ) -> None:
        self._login = login
        self._session = session
        self._call = call
        self._answer = answer
        self._content_types = content_types
        self._readonly = get or login.guard is not None
        self._get = get
        self._remember = remember
        self._lease: Lease | None = None
        self._cancellable = True
        self._underway = underway
        self._work: asyncio.Task[None] | None = None
        self._killed = False

    async def run(self, body: Body, receive: Receive) -> None:
        """Read the body, execute, answer."""
        text = self._call.text
        head = insert_head(text)
        first = await body.piece(INSERT_PIECE)
        if head is not None:
            data = text[head.data_at :] + b"\n" + first if text[head.data_at :] else first
        else:
            text = text + b"\n" + first if text and first else text or first
            head = insert_head(text)
            data = text[head.data_at :] if head is not None else b""
        if head is None:
            text = await body.whole(text)
            killed = _KILL.fullmatch(text)
            if killed is not None and self._login.guard is None and not self._get:
                await self._underway.kill(killed[1].decode("utf-8", "surrogateescape"))
                await self._answer.whole(b"", Stats())
                return
            with self._underway.entered(self._call.query_id, self):
                await self._query(text, receive)
            return
        if self._readonly:
            raise self._readonly_error()
        del text, first
        stats = await self._insert(head, data, body)
        await self._answer.whole(b"", stats)

    async def kill(self) -> None:
        """End a read, as KILL QUERY does; one that waits for its turn leaves the line."""
        if self._work is None or self._work.done() or not self._cancellable:
            return
        self._killed = True
        if self._lease is None:
            self._work.cancel()
        else:
            await self._lease.end()

    def _check_killed(self, work: asyncio.Task[None]) -> None:
        if self._killed and work.cancelled():
            raise EngineError(_QUERY_WAS_CANCELLED, "Query was cancelled", "QUERY_WAS_CANCELLED")

    def _readonly_error(self) -> EngineError:
        why = " For queries over HTTP, method GET implies readonly." if self._get else ""
        return EngineError(READONLY, f"Cannot execute query in readonly mode.{why}", "READONLY")

    async def _insert(self, head: InsertHead, data: bytes, body: Body) -> Stats:
        session = self._session
        if self._call.params:
            # a streaming INSERT takes bound parameters only from its session
            session = replace(session, remembered=(*session.remembered, *_set_params(self._call.params)))
        async with self._login.pool.lease(session) as lease:
            # a failed or cut-off INSERT ends with its connection
            lease.tainted = True
            with contextlib.closing(await lease.call(_begin, head, data)) as insert:
                while body.more():
                    await lease.call(_append, insert, await body.piece(INSERT_PIECE))
                stats = await lease.call(_finish, insert)
            lease.tainted = bool(self._call.params)
            return stats

    async def _query(self, text: bytes, receive: Receive) -> None:
        if not text.strip():
            raise EngineError(SYNTAX_ERROR, "Syntax error: failed at position 1 (end of query): Empty query")
        work = self._work = asyncio.create_task(self._execute(text, self._read(text)))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._abandon(work)
                raise ClientGoneError
            self._check_killed(work)
            await work
        except EngineError as error:
            if self._login.guard is None:
                raise
            raise self._login.guard.told(error) from None
        finally:
            gone.cancel()
            work.cancel()

    def _read(self, text: bytes) -> Statement:
        """What is to be known of a statement; the answer's format comes from it."""
        statement = read_statement(text)
        check_statement(statement)
        answer = self._answer
        answer.output_format = statement.output_format or self._call.default_format or _DEFAULT_FORMAT
        answer.content_type = self._content_types.get(answer.output_format.lower(), answer.content_type)
        return statement

    async def _execute(self, text: bytes, statement: Statement) -> None:
        session = self._session
        if statement.selects and self._login.guard is None and not self._may_stream(statement):
            session = session.with_default("max_result_bytes", str(self._login.whole_bytes))
        async with self._login.pool.lease(session, reading=statement.selects) as self._lease:
            lease = self._lease
            if self._login.guard is not None:
                guarded = await lease.call(self._login.guard.check, text, self._call)
                if guarded != text:
                    text, statement = guarded, self._read(guarded)
            first, result = await lease.call(self._start, lease, text, statement)
            if statement.changes_session:
                # before the answer: the client's next statement may come at once
                self._remember(text)
            if result.ended():
                await self._answer.whole(first, result.stats)
                return
            await self._answer.begin(result.stats, result.size)
            await self._answer.piece(first)
            while not result.ended():
                await self._answer.piece(await lease.call(_next_piece, result))
            lease.tainted = lease.tainted and not isinstance(result, Stream)
            await self._answer.end()

    def _start(
        self, connection: Connection, lease: Lease, text: bytes, statement: Statement
    ) -> tuple[bytes, Result | Stream]:
        """In the thread: check, then run to the end or, of a result that is streamed, to its first piece."""
        kind = check_single(connection, text, statement, readonly=self._readonly)
        self._cancellable = kind == "READ_ONLY"
        # what may have changed the connection's session, or is under way on it, ends with the connection
        lease.tainted = kind in {"CONTROL", "MUTATING_GLOBAL", "UNKNOWN"}
        output_format = self._call.default_format or _DEFAULT_FORMAT
        if kind != "READ_ONLY" or not self._may_stream(statement):
            result = connection.query(text, output_format, self._call.params)
            return result.read(RESULT_PIECE), result
        lease.tainted = True
        stream = connection.stream(text, output_format, self._call.params)
        first = stream.read(RESULT_PIECE)
        lease.tainted = not stream.ended()
        return first, stream

    def _may_stream(self, statement: Statement) -> bool:
        plain = not self._session.remembered and not any(
            name in {"extremes", "output_format_json_array_of_rows"} for name, _ in self._session.settings
        )
        return plain and not self._call.whole_result and statement.streamable(self._answer.output_format)

    async def _abandon(self, work: asyncio.Task[None]) -> None:
        """The client is gone: a read is cancelled, anything else runs to its end."""
        while not work.done() and not self._cancellable:
            await asyncio.wait({work}, timeout=_LOOK_SECONDS)
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, EngineError):
            await work
        # more than once: the engine may not have begun the query yet
        while self._lease is not None and self._lease.busy:
            await self._lease.end()
            await asyncio.sleep(_LOOK_SECONDS)


class Underway:
    """The statements under way, by the query_id that their client gave them."""

    def __init__(self) -> None:
        self._exchanges: dict[str, list[Exchange]] = {}

    @contextlib.contextmanager
    def entered(self, query_id: str, exchange: Exchange) -> Iterator[None]:
        """Within this block an exchange can be killed."""
        self._exchanges.setdefault(query_id, []).append(exchange)
        try:
            yield
        finally:
            self._exchanges[query_id].remove(exchange)
            if not self._exchanges[query_id]:
                del self._exchanges[query_id]

    async def kill(self, query_id: str) -> None:
        """End what runs under this id; nothing is no error."""
        for exchange in list(self._exchanges.get(query_id, ())):
            await exchange.kill()


def _begin(connection: Connection, head: InsertHead, data: bytes) -> Insert:
    insert = connection.insert(head.from_file)
    try:
        insert.append(data)
    except EngineError:
        insert.close()
        raise
    return insert


def _append(_: Connection, insert: Insert, data: bytes) -> None:
    insert.append(data)


def _finish(_: Connection, insert: Insert) -> Stats:
    return insert.finish()


def _next_piece(_: Connection, result: Result | Stream) -> bytes:
    return result.read(RESULT_PIECE)


def _set_params(params: Mapping[str, str]) -> list[bytes]:
    quoted = [(name, value.replace("\\", "\\\\").replace("'", "\\'")) for name, value in sorted(params.items())]
    return [f"SET param_{name} = '{value}'".encode("utf-8", "surrogateescape") for name, value in quoted]


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

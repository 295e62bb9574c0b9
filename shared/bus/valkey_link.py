"""One connection to a Valkey (or Redis) server: commands out, replies in, and never a reply of an older command.

The `redis` package connects, authenticates and parses. Its pooled client is not used: it costs twice the CPU
of this on the ingest path, and here a fault must drop the connection, not retry.
"""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError, ResponseError

from shared.bus import BusUnavailableError
from shared.config import ConfigError


def pack(*arguments: bytes) -> bytes:
    """One command in the server's protocol."""
    head = b"*%d\r\n" % len(arguments)
    return head + b"".join([b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments])


class Link:
    """A connection that is made at the first command and made anew after a fault; one exchange at a time."""

    def __init__(self, url: str) -> None:
        try:
            self._options: dict[str, Any] = dict(parse_url(url))
        except ValueError as error:
            raise ConfigError(["SLUICE_BUS_URL is not a usable redis://, rediss:// or unix:// URL"]) from error
        self._kind: type[AbstractConnection] = self._options.pop("connection_class", Connection)
        # Time is bounded once, in `exchange`; RESP2 without client metadata needs no greeting on connect.
        self._options |= {
            "protocol": 2,
            "driver_info": None,
            "socket_timeout": None,
            "socket_connect_timeout": None,
        }
        self._connection: AbstractConnection | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._turn = asyncio.Lock()

    async def exchange(self, commands: bytes, replies: int, seconds: float) -> list[Any]:
        """Send packed commands and read that many replies; an error reply is among them as a ResponseError.

        Raises BusUnavailableError within `seconds`, waiting for its turn included, when the server does not
        answer. Then, and when cancelled, the connection is dropped: no later command can see a stale reply.
        """
        try:
            async with asyncio.timeout(seconds), self._turn:
                return await self._exchange(commands, replies)
        except TimeoutError as error:
            raise BusUnavailableError(f"the bus did not answer within {seconds:g} s") from error
        except (RedisError, OSError) as error:
            raise BusUnavailableError("the bus is away") from error

    async def command(self, *arguments: bytes, seconds: float) -> Any:
        """The reply of one command; an error reply raises RefusedError."""
        [reply] = await self.exchange(pack(*arguments), 1, seconds)
        if isinstance(reply, ResponseError):
            raise RefusedError(str(reply))
        return reply

    async def _exchange(self, commands: bytes, replies: int) -> list[Any]:
        complete = False
        try:
            connection = await self._connected()
            await connection.send_packed_command(commands, check_health=False)
            answers = [await _read(connection) for _ in range(replies)]
            complete = True
        finally:
            if not complete:
                await self.close()
        return answers

    async def _connected(self) -> AbstractConnection:
        """A live connection; one that the server closed since the last command is replaced before anything is sent."""
        if self._connection is not None and _was_closed(self._connection):
            await self.close()
        if self._connection is None:
            self._connection = self._kind(**self._options)
            await self._connection.connect()  # type: ignore[no-untyped-call]  # redis leaves it untyped
            self._transport = _transport(self._connection)
        return self._connection

    async def close(self) -> None:
        """Drop the connection at once, with whatever is still unsent."""
        connection, self._connection = self._connection, None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if connection is not None:
            await connection.disconnect(nowait=True)


class RefusedError(BusUnavailableError):
    """The server answered a command with an error (full, read-only, loading, no such group …)."""


async def _read(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _transport(connection: AbstractConnection) -> asyncio.WriteTransport | None:
    """What `disconnect` closes only after sending all it holds, for ever where the server is stopped."""
    writer = connection._writer  # noqa: SLF001 (nothing public aborts)
    return None if writer is None else writer.transport


def _was_closed(connection: AbstractConnection) -> bool:
    reader = connection._reader  # noqa: SLF001 (the public can_read() consumes data and costs a timer)
    return reader is None or reader.at_eof() or reader.exception() is not None

"""The bus on Valkey (or Redis) Streams: the embedded one.

A topic is one stream whose entries are numbered `0-1, 0-2, …`: given the id `0-*` the server counts by itself,
gapless, also after the stream was trimmed empty or the server restarted; an entry's offset is its number minus one.
The server runs with `appendfsync always`, so a command that has returned is on disk.
"""

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import structlog
from redis.exceptions import ResponseError

from shared.bus import BusUnavailableError, Delivery, Message, Position, Subscription, refuse_large
from shared.bus.inspection import Progress, TopicState
from shared.bus.valkey_link import Link, RefusedError, pack

REPLY_SECONDS = 1.5
_BLOCK_SECONDS = 10.0
_BLOCK_SLACK_SECONDS = 3.0  # an idle server looks at its blocked clients once a second or so
_SHORTEST_WAIT_SECONDS = 0.2  # what a round trip may take even if nobody wants to wait
_TRIM_SECONDS = 1.0
_CONSUMER = b"sluice"
_ATTRIBUTE = b"ce_"
_DATA = b"data"
_MULTI = pack(b"MULTI")
_EXEC = pack(b"EXEC")

log = structlog.get_logger()


def stream_key(topic: str) -> bytes:
    """The Valkey key of a topic."""
    return f"sluice:{topic}".encode()


def _log_key(stream: bytes) -> bytes:
    """Where the name of a stream's incarnation is."""
    return stream.replace(b"sluice:", b"sluice-log:", 1)


class ValkeyBus:
    """A Bus on one Valkey server; connects at the first call, and again by itself after a fault."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._publishing = Link(url)
        self._control = Link(url)

    async def publish(self, topic: str, messages: Sequence[Message]) -> list[Position]:
        refuse_large(messages)
        if not messages:
            return []
        key = stream_key(topic)
        commands = [_pack_entry(key, message) for message in messages]
        if len(commands) == 1:
            ids = await self._publishing.exchange(commands[0], 1, REPLY_SECONDS)
        else:
            transaction = b"".join([_MULTI, *commands, _EXEC])
            replies = await self._publishing.exchange(transaction, len(commands) + 2, REPLY_SECONDS)
            ids = replies[-1] if isinstance(replies[-1], list) else replies
        for entry_id in ids:
            if isinstance(entry_id, ResponseError):
                raise RefusedError(f"the bus does not take messages: {entry_id}")
        return [_position(entry_id) for entry_id in ids]

    async def subscribe(self, topic: str, group: str) -> Subscription:
        subscription = _ValkeySubscription(Link(self._url), self._control, stream_key(topic), group.encode())
        await subscription.make_group()
        return subscription

    async def lag(self, topic: str, group: str) -> int:
        key = stream_key(topic)
        try:
            groups = await _groups(self._control, key)
        except RefusedError as error:
            if "no such key" in str(error):
                return 0
            raise
        known = next((one for one in groups if one["name"] == group.encode()), None)
        if known is None:
            return int(await self._control.command(b"XLEN", key, seconds=REPLY_SECONDS))
        unread = known["lag"]
        if unread is None:  # the server lost count, e.g. after XGROUP SETID; gapless numbers give it back
            stream = _pairs(await self._control.command(b"XINFO", b"STREAM", key, seconds=REPLY_SECONDS))
            behind = _number(stream["last-generated-id"]) - _number(known["last-delivered-id"])
            unread = min(stream["length"], behind)
        return int(unread + known["pending"])

    async def topics(self) -> list[TopicState]:
        keys: set[bytes] = set()
        cursor = b"0"
        while True:
            scan = (b"SCAN", cursor, b"MATCH", stream_key("*"), b"COUNT", b"1000", b"TYPE", b"stream")
            cursor, found = await self._control.command(*scan, seconds=REPLY_SECONDS)
            keys.update(found)
            if cursor == b"0":
                break
        return [await self._topic(key) for key in sorted(keys)]

    async def _topic(self, key: bytes) -> TopicState:
        name = key[len(stream_key("")) :].decode()
        groups = [group["name"].decode() for group in await _groups(self._control, key)]
        length = await self._control.command(b"XLEN", key, seconds=REPLY_SECONDS)
        return TopicState(name, length, {group: await self.lag(name, group) for group in sorted(groups)})

    async def waiting(self, topic: str, group: str, most: int) -> list[Delivery]:
        key = stream_key(topic)
        try:
            known = next((one for one in await _groups(self._control, key) if one["name"] == group.encode()), None)
        except RefusedError as error:
            if "no such key" in str(error):
                return []
            raise
        ranges = []
        if known is not None and known["pending"]:
            given = (b"XPENDING", key, group.encode(), b"-", b"+", str(most).encode())
            ranges = [(one[0], one[0]) for one in await self._control.command(*given, seconds=REPLY_SECONDS)]
        ranges.append((b"(" + known["last-delivered-id"] if known is not None else b"-", b"+"))
        found: list[Delivery] = []
        for first, last in ranges:
            if len(found) < most:
                look = (b"XRANGE", key, first, last, b"COUNT", str(most - len(found)).encode())
                entries = await self._control.command(*look, seconds=REPLY_SECONDS)
                found += [Delivery(_position(entry_id), _message(fields), 1) for entry_id, fields in entries]
        return found

    async def progress(self, topic: str, group: str) -> list[Progress]:
        key = stream_key(topic)
        try:
            groups = await _groups(self._control, key)
        except RefusedError as error:
            if "no such key" in str(error):
                return []
            raise
        known = next((one for one in groups if one["name"] == group.encode()), None)
        done = 0 if known is None else await _lowest_unacked(self._control, key, known) - 1
        named = await self._control.command(b"XRANGE", _log_key(key), b"-", b"+", b"COUNT", b"1", seconds=REPLY_SECONDS)
        stream = _pairs(await self._control.command(b"XINFO", b"STREAM", key, seconds=REPLY_SECONDS))
        log_name = named[0][1][1].decode() if named else ""
        return [Progress(log_name, 0, done, _number(stream["last-generated-id"]))]

    async def ping(self) -> None:
        await self._control.command(b"PING", seconds=REPLY_SECONDS)

    async def close(self) -> None:
        await self._publishing.close()
        await self._control.close()


class _ValkeySubscription:
    """The one consumer of a group.

    Numbers are handed out in rising order, so one cursor tells what this life has seen. Reading runs in a task of
    its own that outlives a cancelled `take`; what it finds waits in `_ready`.
    """

    def __init__(self, reading: Link, control: Link, key: bytes, group: bytes) -> None:
        self._reading = reading
        self._control = control
        self._key = key
        self._group = group
        self._cursor = 0
        self._look_back = True
        self._ready: deque[Delivery] = deque()
        self._read_task: asyncio.Task[None] | None = None
        self._unsent: set[int] = set()
        self._acking = asyncio.Lock()
        self._trim_due = False
        self._trimmed_at = 0.0

    async def make_group(self) -> None:
        """Create the group at the earliest message unless it exists."""
        try:
            await self._control.command(
                b"XGROUP", b"CREATE", self._key, self._group, b"0", b"MKSTREAM", seconds=REPLY_SECONDS
            )
        except RefusedError as error:
            if "BUSYGROUP" not in str(error):
                raise
        # Lost with the stream, and a stream itself, which no wipe of the cache takes for its own: a stream that begins
        # anew at the first number is another log.
        name = secrets.token_hex(8).encode()
        try:
            await self._control.command(b"XADD", _log_key(self._key), b"0-1", b"log", name, seconds=REPLY_SECONDS)
        except RefusedError as error:
            if "equal or smaller" not in str(error):  # it has its name
                raise

    async def take(self, most: int, wait: float) -> list[Delivery]:
        deadline = time.monotonic() + wait
        while not self._ready:
            remaining = deadline - time.monotonic()
            if self._read_task is None:
                self._read_task = asyncio.create_task(self._read(most, remaining))
            await asyncio.wait({self._read_task}, timeout=max(remaining, _SHORTEST_WAIT_SECONDS))
            if self._read_task.done():
                finished, self._read_task = self._read_task, None
                finished.result()
            if not self._ready and time.monotonic() >= deadline:
                return []
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    async def _read(self, most: int, wait: float) -> None:
        """One look at the stream: first what was given to this consumer and not seen, then new entries.

        A reply that never arrived (fault, dropped connection) may have given entries to this consumer, even a
        while later, when the server comes to a command that nobody waits for any more. Hence the look back after
        each fault, after each empty answer, and wherever the numbers show a gap.
        """
        try:
            if self._look_back:
                if await self._read_given(most):
                    return
                self._look_back = False
            await self._read_new(most, wait)
        except RefusedError as error:
            if "NOGROUP" not in str(error):
                raise
            log.warning("bus topic is gone and starts anew", topic=self._key.decode())
            self._cursor = 0
            await self.make_group()

    async def _read_given(self, most: int) -> bool:
        """Entries given to this consumer after the cursor and not acknowledged; whether there were any."""
        count = str(most).encode()
        after = _entry_id(self._cursor)
        pending = pack(b"XPENDING", self._key, self._group, b"(" + after, b"+", count, _CONSUMER)
        counted, reply = await self._reading.exchange(pending + self._read_command(most, after), 2, REPLY_SECONDS)
        for answer in (counted, reply):
            if isinstance(answer, ResponseError):
                raise RefusedError(str(answer))
        entries = reply[0][1] if reply else []
        attempts = {entry_id: given + 1 for entry_id, _, _, given in counted}
        self._keep(entries, attempts)
        lost = [_position(entry_id) for entry_id, fields in entries if fields is None]
        if lost:  # somebody trimmed or deleted by hand
            log.error("bus messages are gone unacknowledged", topic=self._key.decode(), messages=len(lost))
            await self.ack(lost)
        return bool(entries)

    async def _read_new(self, most: int, wait: float) -> None:
        block = min(max(wait, 0.001), _BLOCK_SECONDS)
        self._look_back = True
        [reply] = await self._reading.exchange(self._read_command(most, b">", block), 1, block + _BLOCK_SLACK_SECONDS)
        if isinstance(reply, ResponseError):
            raise RefusedError(str(reply))
        if not reply:
            await self._trim_if_due()
            return
        entries = reply[0][1]
        if await self._missed_before(_number(entries[0][0])):
            return
        self._look_back = False
        self._keep(entries, {})

    def _read_command(self, most: int, after: bytes, block: float | None = None) -> bytes:
        waiting = () if block is None else (b"BLOCK", b"%d" % round(block * 1_000))
        head = (b"XREADGROUP", b"GROUP", self._group, _CONSUMER, b"COUNT", b"%d" % most)
        return pack(*head, *waiting, b"STREAMS", self._key, after)

    async def _missed_before(self, number: int) -> bool:
        """Whether entries between the cursor and `number` were given to this consumer without its knowledge."""
        if number == self._cursor + 1:
            return False
        between = (b"(" + _entry_id(self._cursor), b"(" + _entry_id(number))
        return bool(
            await self._reading.command(
                b"XPENDING", self._key, self._group, *between, b"1", _CONSUMER, seconds=REPLY_SECONDS
            )
        )

    def _keep(self, entries: Sequence[Any], attempts: dict[bytes, int]) -> None:
        for entry_id, fields in entries:
            if fields is not None:
                self._ready.append(Delivery(_position(entry_id), _message(fields), attempts.get(entry_id, 1)))
            self._cursor = _number(entry_id)

    async def ack(self, positions: Sequence[Position]) -> None:
        """Acknowledge; calls that wait for each other go to the server as one command."""
        self._unsent.update(position.offset + 1 for position in positions)
        async with self._acking:
            if self._unsent:
                await self._send_acks()
        if time.monotonic() - self._trimmed_at >= _TRIM_SECONDS:
            await self._trim_if_due()

    async def _send_acks(self) -> None:
        """On a fault the numbers stay unsent: whoever waits for them finds out by trying again."""
        sent = frozenset(self._unsent)
        ids = [_entry_id(number) for number in sent]
        await self._control.command(b"XACK", self._key, self._group, *ids, seconds=REPLY_SECONDS)
        self._unsent -= sent
        self._trim_due = True

    async def _trim_if_due(self) -> None:
        """Drop what every group has acknowledged; the numbering goes on. A fault only puts it off."""
        if not self._trim_due:
            return
        self._trim_due, self._trimmed_at = False, time.monotonic()
        with contextlib.suppress(BusUnavailableError):
            groups = await _groups(self._control, self._key)
            lowest = [await _lowest_unacked(self._control, self._key, group) for group in groups]
            await self._control.command(
                b"XTRIM", self._key, b"MINID", b"=", _entry_id(min(lowest)), seconds=REPLY_SECONDS
            )

    async def close(self) -> None:
        if self._read_task is not None:
            self._read_task.cancel()
            await asyncio.gather(self._read_task, return_exceptions=True)
            self._read_task = None
        await self._reading.close()


async def _lowest_unacked(link: Link, key: bytes, group: dict[str, Any]) -> int:
    """The number below which a group has acknowledged all; it may have gone on meanwhile."""
    if group["pending"]:
        summary = await link.command(b"XPENDING", key, group["name"], seconds=REPLY_SECONDS)
        if summary[1] is not None:
            return _number(summary[1])
    return _number(group["last-delivered-id"]) + 1


async def _groups(link: Link, key: bytes) -> list[dict[str, Any]]:
    return [_pairs(group) for group in await link.command(b"XINFO", b"GROUPS", key, seconds=REPLY_SECONDS)]


def _pairs(flat: Sequence[Any]) -> dict[str, Any]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


def _pack_entry(key: bytes, message: Message) -> bytes:
    arguments = [b"XADD", key, b"0-*"]
    for name, value in message.attributes.items():
        arguments.append(_ATTRIBUTE + name.encode())
        arguments.append(value.encode())
    arguments.append(_DATA)
    arguments.append(message.data)
    return pack(*arguments)


def _message(fields: Sequence[bytes]) -> Message:
    attributes: dict[str, str] = {}
    data = b""
    for name, value in zip(fields[::2], fields[1::2], strict=True):
        if name == _DATA:
            data = value
        else:
            attributes[name[len(_ATTRIBUTE) :].decode(errors="replace")] = value.decode(errors="replace")
    return Message(attributes, data)


def _entry_id(number: int) -> bytes:
    return b"0-%d" % number


def _number(entry_id: bytes) -> int:
    return int(entry_id[2:])


def _position(entry_id: bytes) -> Position:
    return Position(0, _number(entry_id) - 1)

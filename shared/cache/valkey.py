"""The cache on Valkey (or Redis, not a cluster of them): one script a record, so that a crash leaves all or nothing.

Keys carry a time to live: a server told so (`volatile-lru`) evicts them, and never a stream of the bus.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.cache import (
    EMPTY,
    KEPT_MINUTES,
    MOST_NAMES,
    MOST_PROJECTS,
    MOST_RECORDS,
    CacheUnavailableError,
    Counts,
    Window,
    window_of,
)
from shared.config import ConfigError

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

_REPLY_SECONDS = 2.0
_PROJECTS = "sluice-live"


class ValkeyCache:
    """A Cache on one server; connects at the first call, and again by itself after a fault."""

    def __init__(self, url: str) -> None:
        try:
            self._client: Redis = Redis.from_url(
                url, socket_timeout=_REPLY_SECONDS, socket_connect_timeout=_REPLY_SECONDS, protocol=2
            )
        except ValueError as error:
            raise ConfigError(["SLUICE_CACHE_URL is not a usable redis://, rediss:// or unix:// URL"]) from error
        script = (Path(__file__).parent / "count.lua").read_bytes()
        self._count: AsyncScript = self._client.register_script(script)

    async def count(self, project: str, record: str, counts: Counts, now: int) -> None:
        keys: list[str] = [_PROJECTS, _index(project)]
        arguments: list[Any] = [project, _digest(record), now, KEPT_MINUTES, MOST_PROJECTS, MOST_NAMES, MOST_RECORDS]
        for minute, names in counts.items():
            window = _window(project, minute)
            keys += [window, f"{window}:records"]
            arguments += [minute, len(names)]
            for name, events in names.items():
                arguments += [name, events]
        with _answering():
            await self._count(keys, arguments)

    async def windows(self, project: str, first: int, last: int, now: int) -> list[Window | None]:
        wanted = range(first, last + 1)
        with _answering():
            async with self._client.pipeline(transaction=True) as reading:
                reading.info("server")
                reading.hgetall(_index(project))
                for minute in wanted:
                    reading.hgetall(_window(project, minute))
                server, index, *windows = await reading.execute()
            if index and index.get(b"server", b"").decode() != server["run_id"]:
                # Another process has the data now, as old as its last snapshot or replica was.
                await self._client.delete(_index(project))
                index = {}
        since = max(int(index.get(b"since", last + 1)), now - KEPT_MINUTES + 1)
        return [
            _read(index.get(b"%d" % minute), window) if minute >= since else None
            for minute, window in zip(wanted, windows, strict=True)
        ]

    async def ping(self) -> None:
        with _answering():
            await self._client.ping()

    async def close(self) -> None:
        await self._client.aclose()


def _digest(record: str) -> bytes:
    """A record's id in few bytes, whatever it is."""
    return blake2b(record.encode(), digest_size=16).digest()


def _index(project: str) -> str:
    return f"{_PROJECTS}:{project}"


def _window(project: str, minute: int) -> str:
    return f"{_PROJECTS}:{project}:{minute}"


def _read(total: bytes | None, window: dict[bytes, bytes]) -> Window | None:
    if (total or b"0") != window.get(b"total", b"0"):
        return None
    if not window:
        return EMPTY
    kept = [(name[2:].decode(), int(events)) for name, events in window.items() if name.startswith(b"n:")]
    return window_of(kept, int(window.get(b"rest", 0)))


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise CacheUnavailableError("the cache is away") from error

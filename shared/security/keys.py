"""API keys: their form, their hash, and the ring of keys a function knows.

A key holds 256 random bits, so a plain SHA-256 is enough to keep it by: there is nothing to guess from a list of
likely keys, which is what slow password hashes are for.
"""

import asyncio
import hashlib
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

import msgspec

from shared.clock import Clock, to_micros
from shared.refusals import Refusal, Rejected

Kind = Literal["public", "secret"]
Scope = Literal["ingest", "read", "export", "admin"]
PREFIXES: dict[Kind, str] = {"public": "slp_", "secret": "sls_"}
PUBLIC_SCOPES: tuple[Scope, ...] = ("ingest",)

# A revoked key is refused within five seconds: an entry in use is asked for anew in the background when it is
# half that old, and one that is older is never used while the catalog answers.
REFRESH_SECONDS = 2.0
FRESH_SECONDS = 4.5
# While the catalog is away nobody can revoke a key either; known keys go on working this long.
STALE_SECONDS = 3_600.0
_MOST_KEYS = 10_000
_SHOWN = 8
_FORM = re.compile(r"sl[ps]_[A-Za-z0-9_-]{43}")


class Key(msgspec.Struct, frozen=True):
    """What is kept of a key; the key itself is not."""

    id: uuid.UUID
    project_id: uuid.UUID
    kind: Kind
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


def new_key(kind: Kind) -> str:
    """A new clear key."""
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def hash_key(clear: str) -> bytes:
    """What the catalog keeps a key by."""
    return hashlib.sha256(clear.encode()).digest()


def shown_prefix(clear: str) -> str:
    """The beginning of a key, by which people recognise it."""
    return clear[:_SHOWN]


class _Known:
    """What the catalog said of a clear key, when, and whether it was away when asked again."""

    __slots__ = ("asked_at", "away", "key")

    def __init__(self, key: Key | None, asked_at: float) -> None:
        self.key = key
        self.asked_at = asked_at
        self.away = False


Lookup = Callable[[bytes], Awaitable[Key | None]]


class KeyRing:
    """The keys a function has seen, so that a request costs a dictionary look-up.

    `lookup` asks the catalog by hash. An entry in use is refreshed in the background before it is five seconds
    old; unknown keys are remembered as unknown as long; at most 10,000 entries are kept.
    """

    def __init__(self, lookup: Lookup, clock: Clock) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[_Known]] = {}

    async def require(self, clear: str, scope: Scope) -> Key:
        """The key behind a text, allowed `scope`; raises Rejected where it is not, UnavailableError where unknown."""
        if not clear:
            raise Rejected(Refusal.KEY_MISSING)
        known = self._known.get(clear)
        if known is None:
            known = await self._first_seen(clear)
        else:
            age = self._clock.monotonic() - known.asked_at
            if age > REFRESH_SECONDS:
                asking = self._ask(clear)
                if age > FRESH_SECONDS and not (known.away and known.key and age < STALE_SECONDS):
                    known = await asyncio.shield(asking)
        return self._allowed(known.key, scope)

    async def _first_seen(self, clear: str) -> _Known:
        if not _FORM.fullmatch(clear):
            return _Known(None, 0)
        return await asyncio.shield(self._ask(clear))

    def _allowed(self, key: Key | None, scope: Scope) -> Key:
        if key is None:
            raise Rejected(Refusal.KEY_UNKNOWN)
        if key.revoked_at is not None:
            raise Rejected(Refusal.KEY_REVOKED)
        if key.expires_at is not None and to_micros(key.expires_at) <= self._clock.micros():
            raise Rejected(Refusal.KEY_EXPIRED)
        if scope not in key.scopes:
            raise Rejected(Refusal.SCOPE_MISSING, f"it needs the scope {scope!r}, and has {sorted(key.scopes)}")
        return key

    def _ask(self, clear: str) -> "asyncio.Task[_Known]":
        """Ask the catalog, once for all who wait."""
        asking = self._asking.get(clear)
        if asking is None:
            asking = self._asking[clear] = asyncio.create_task(self._fetch(clear))
            asking.add_done_callback(lambda done: self._asked(clear, done))
        return asking

    def _asked(self, clear: str, done: "asyncio.Task[_Known]") -> None:
        self._asking.pop(clear, None)
        if not done.cancelled() and done.exception() is not None and clear in self._known:
            self._known[clear].away = True

    async def _fetch(self, clear: str) -> _Known:
        fresh = _Known(await self._lookup(hash_key(clear)), self._clock.monotonic())
        if len(self._known) >= _MOST_KEYS and clear not in self._known:
            self._known.pop(next(iter(self._known)))
        self._known[clear] = fresh
        return fresh

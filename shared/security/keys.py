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
from shared.refusals import Refusal, Rejected, UnavailableError

Kind = Literal["public", "secret"]
Scope = Literal["ingest", "read", "export", "admin"]
PREFIXES: dict[Kind, str] = {"public": "slp_", "secret": "sls_"}
PUBLIC_SCOPES: tuple[Scope, ...] = ("ingest",)

# A revoked key is refused within five seconds of its revocation: what is known of a key counts from the moment the
# catalog was asked, an entry in use is asked for anew in the background, and an older one is never trusted while
# the catalog answers.
REFRESH_SECONDS = 2.0
FRESH_SECONDS = 4.5
# While the catalog is away nobody can revoke a key either; keys known by then go on working for an hour, longer
# than a failover or an upgrade takes. It is asked again at most once a second for each of them.
STALE_SECONDS = 3_600.0
RETRY_SECONDS = 1.0
UNKNOWN_SECONDS = 2.0

_MOST_KEYS = 10_000
_MOST_UNKNOWN = 10_000
# Made-up keys in flight at once: beyond it strangers would crowd out the refreshing of real ones.
_MOST_FIRST_LOOKUPS = 64
_SHOWN = 8
_FORM = re.compile(r"sl[ps]_[A-Za-z0-9_-]{43}")


class Key(msgspec.Struct, frozen=True):
    """What is kept of a key; the key itself is not. `prefix` is its first eight characters, for people.

    `timezone`, `allowed_origins` (none: any) and `ip_mode` (None: the instance's) are its project's, so that whoever
    knows a key knows what holds for it.
    """

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
    timezone: str = "UTC"
    allowed_origins: tuple[str, ...] = ()
    ip_mode: Literal["truncate", "keep", "drop"] | None = None


def new_key(kind: Kind) -> str:
    """A new clear key."""
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def hash_key(clear: str) -> bytes:
    """What the catalog keeps a key by: 32 bytes."""
    return hashlib.sha256(clear.encode()).digest()


def has_form(clear: str) -> bool:
    """Whether a text could be an API key, known or not."""
    return _FORM.fullmatch(clear) is not None


def shown_prefix(clear: str) -> str:
    """The beginning of a key, by which people recognise it."""
    return clear[:_SHOWN]


def refusal_of(key: Key | None, scope: Scope, now: int) -> Refusal | None:
    """Why `key` may not do what needs `scope` at `now` (microseconds since 1970); None where it may.

    One of KEY_UNKNOWN, KEY_REVOKED, KEY_EXPIRED, SCOPE_MISSING, in this order.
    """
    if key is None:
        return Refusal.KEY_UNKNOWN
    if key.revoked_at is not None:
        return Refusal.KEY_REVOKED
    if key.expires_at is not None and to_micros(key.expires_at) <= now:
        return Refusal.KEY_EXPIRED
    return None if scope in key.scopes else Refusal.SCOPE_MISSING


class _Known:
    """A key the catalog knew when it was asked, and the last time it was asked in vain (monotonic seconds)."""

    __slots__ = ("asked_at", "failed_at", "key")

    def __init__(self, key: Key, asked_at: float) -> None:
        self.key = key
        self.asked_at = asked_at
        self.failed_at = float("-inf")


Lookup = Callable[[bytes], Awaitable[Key | None]]


class KeyRing:
    """The keys a function has seen, so that a request costs a dictionary look-up.

    `lookup` asks the catalog by hash and raises UnavailableError where it is away; one question a key is under way
    at a time, however many requests wait for it. Known keys and keys known to be none are bounded apart from each
    other, so that made-up keys neither fill the memory nor push real ones out.
    """

    def __init__(self, lookup: Lookup, clock: Clock) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._unknown: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[Key | None]] = {}
        self._first_lookups = 0

    async def require(self, clear: str, scope: Scope, *others: Scope) -> Key:
        """The key behind a text, allowed `scope` or one of the `others`.

        Raises Rejected (KEY_MISSING and what `refusal_of` says; OVERLOADED where too many unknown keys are being
        looked up), UnavailableError where the catalog is away and the key was not seen within the last hour.
        """
        if not clear:
            raise Rejected(Refusal.KEY_MISSING)
        key = self.get_cached(clear) or await self.resolve(clear)
        refusal = refusal_of(key, scope, self._clock.micros())
        if refusal is Refusal.SCOPE_MISSING and key is not None:
            if not key.scopes.isdisjoint(others):
                return key
            needed = " or ".join(map(repr, (scope, *others)))
            raise Rejected(refusal, f"it needs the scope {needed}, and has {sorted(key.scopes)}")
        if refusal is not None or key is None:
            raise Rejected(refusal or Refusal.KEY_UNKNOWN)
        return key

    def get_cached(self, clear: str) -> Key | None:
        """The key behind a text if it is known and fresh, without waiting; None says nothing: `resolve` it."""
        known = self._known.get(clear)
        if known is None:
            return None
        now = self._clock.monotonic()
        age = now - known.asked_at
        if age > REFRESH_SECONDS:
            if now - known.failed_at > RETRY_SECONDS:
                self._ask(clear)
            if age > FRESH_SECONDS and (now - known.failed_at > FRESH_SECONDS or age > STALE_SECONDS):
                return None
        return known.key

    async def resolve(self, clear: str) -> Key | None:
        """The key behind a text, asking the catalog where needed; None where it is malformed or not known.

        A revoked or expired key is returned as well: `refusal_of` judges it. Raises as `require` does.
        """
        key = self.get_cached(clear)
        if key is not None or not _FORM.fullmatch(clear) or self._is_known_to_be_none(clear):
            return key
        try:
            return await asyncio.shield(self._ask(clear))
        except UnavailableError:
            known = self._known.get(clear)
            if known is None or self._clock.monotonic() - known.asked_at > STALE_SECONDS:
                raise
            return known.key

    async def close(self) -> None:
        """End the questions still under way."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def _is_known_to_be_none(self, clear: str) -> bool:
        return self._clock.monotonic() - self._unknown.get(clear, float("-inf")) < UNKNOWN_SECONDS

    def _ask(self, clear: str) -> "asyncio.Task[Key | None]":
        """Ask the catalog, once for all who wait."""
        asking = self._asking.get(clear)
        if asking is None:
            first = clear not in self._known
            if first and self._first_lookups >= _MOST_FIRST_LOOKUPS:
                raise Rejected(Refusal.OVERLOADED, "too many unknown keys are being looked up")
            self._first_lookups += first
            asking = self._asking[clear] = asyncio.create_task(self._fetch(clear))
            asking.add_done_callback(lambda done: self._asked(clear, done, first=first))
        return asking

    def _asked(self, clear: str, done: "asyncio.Task[Key | None]", *, first: bool) -> None:
        del self._asking[clear]
        self._first_lookups -= first
        if not done.cancelled():
            done.exception()  # nobody waits for a question in the background: its failure shows in `failed_at`

    async def _fetch(self, clear: str) -> Key | None:
        asked_at = self._clock.monotonic()
        try:
            key = await self._lookup(hash_key(clear))
        except UnavailableError:
            if clear in self._known:
                self._known[clear].failed_at = asked_at
            raise
        self._remember(clear, key, asked_at)
        return key

    def _remember(self, clear: str, key: Key | None, asked_at: float) -> None:
        """Put what the catalog said at the end of its table, so that what was asked longest ago goes first."""
        self._known.pop(clear, None)
        self._unknown.pop(clear, None)
        if key is None:
            if len(self._unknown) >= _MOST_UNKNOWN:
                del self._unknown[next(iter(self._unknown))]
            self._unknown[clear] = asked_at
        else:
            if len(self._known) >= _MOST_KEYS:
                del self._known[next(iter(self._known))]
            self._known[clear] = _Known(key, asked_at)

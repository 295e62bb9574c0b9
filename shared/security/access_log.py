"""What is on record of requests to a project: each change somebody asked for, and who looked at whole events.

The workspace records what it changes itself, with what was there before. For every other function this is the record:
who, from where, asked which function for what; noted when they are let in, whatever becomes of it. Of an erasure the
log does not say whose: it would keep what was to be forgotten. Reads count where people are in what is read: whole
events, refused ones and exports. A person who looks again within QUIET_SECONDS is on record once; a key that reads
events is a machine and is not (its last use is kept), one that exports is.
"""

from dataclasses import dataclass
from typing import Protocol

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.catalog.client import Queries
from shared.clock import SYSTEM_CLOCK, Clock
from shared.config import load, setting
from shared.http import Request
from shared.security.audit import Acting
from shared.security.policy import Action

QUIET_SECONDS = 900.0
_MOST_REMEMBERED = 10_000
_READING = frozenset({"GET", "HEAD"})
_CHANGES = frozenset(
    {
        Action.EXPORTS_WRITE,
        Action.PERSONS_EXPORT,
        Action.PERSONS_ERASE,
        Action.RETENTION_WRITE,
        Action.REPLAY,
        Action.ALERTS_WRITE,
        Action.REPORTS_WRITE,
        Action.WEBHOOKS_WRITE,
    }
)
_NAMES_SOMEBODY = frozenset({Action.PERSONS_EXPORT, Action.PERSONS_ERASE})
# Functions that give back whole events.
_WHOLE_EVENTS = frozenset({"query_events", "query_sql", "rejected", "export"})
_RECORDS_ITSELF = "workspace"
_MOST_TARGET = 500


@dataclass(frozen=True, kw_only=True)
class _Settings:
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


class Caller(Acting, Protocol):
    """Who was let in, and where."""

    @property
    def project_id(self) -> object: ...


class AccessLog:
    """Puts requests on record in the audit log of their project's organisation."""

    def __init__(self, queries: Queries, clock: Clock = SYSTEM_CLOCK) -> None:
        self._queries = queries
        self._clock = clock
        self._noted: dict[tuple[object, ...], float] = {}
        self._proxies: TrustedProxies | None = None

    async def note(self, request: Request, caller: Caller, action: Action) -> None:
        """Record the request where it is one to record; raises CatalogUnavailableError where that cannot be."""
        if request.function == _RECORDS_ITSELF:
            return
        if action in _CHANGES and request.method not in _READING:
            target = request.function if action in _NAMES_SOMEBODY else f"{request.function}:{request.path}"
            await self._record(request, caller, str(action), f"{request.method} {target}"[:_MOST_TARGET])
        elif request.function in _WHOLE_EVENTS and (caller.kind == "user" or request.function == "export"):
            await self._look(request, caller)

    async def _look(self, request: Request, caller: Caller) -> None:
        who = (caller.id, caller.project_id, request.function)
        now = self._clock.monotonic()
        if now - self._noted.get(who, float("-inf")) < QUIET_SECONDS:
            return
        await self._record(request, caller, "events.looked_at", request.function)
        self._noted.pop(who, None)
        if len(self._noted) >= _MOST_REMEMBERED:
            del self._noted[next(iter(self._noted))]
        self._noted[who] = now

    async def _record(self, request: Request, caller: Caller, action: str, target: str) -> None:
        self._proxies = self._proxies or TrustedProxies(load(_Settings).trusted_proxies)
        values = {
            "project_id": caller.project_id,
            "actor_kind": caller.kind,
            "actor_id": str(caller.id),
            "actor_name": caller.email,
            "action": action,
            "target": target.replace("\0", "�"),
            "request_id": request.request_id[:_MOST_TARGET],
            "address": self._proxies.address(request.headers, request.peer),
        }
        await self._queries.rows("audit/record_in_project", values)

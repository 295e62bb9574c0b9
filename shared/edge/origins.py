"""Which pages of the web may read a project from a browser: CORS by project.

A preflight carries no key, so it is answered for an origin that any project allows; the answer itself can be read only
by a page whose origin the project allows that was really asked. Keys and tokens authorise, cookies never do: no answer
here allows credentials.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping

from shared.catalog.client import Catalog
from shared.clock import SYSTEM_CLOCK, Clock
from shared.http import PROJECT_HEADER, Reply, Request
from shared.refusals import UnavailableError

# A change of a project's origins holds within this time.
KEPT_SECONDS = 30.0
ANY = "*"

_SAYABLE = re.compile(r"[!-+\--~]{1,512}")
_MAX_AGE = "600"
_EXPOSED = "x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, link, x-next-cursor, etag"
_ASKED = (
    "authorization, content-type, x-api-key, x-project-id, x-request-id, idempotency-key, if-match, traceparent,"
    " last-event-id"
)


class OriginList:
    """Origins as people write them: exact ones, `https://*.example`, or `*`."""

    def __init__(self, origins: Iterable[str]) -> None:
        listed = [origin.strip().rstrip("/").lower() for origin in origins if origin.strip()]
        self._any = ANY in listed
        self._exact = frozenset(origin for origin in listed if ANY not in origin)
        wildcards = [origin.partition(ANY) for origin in listed if ANY in origin and origin != ANY]
        self._wildcards = [(before, after) for before, _, after in wildcards]

    def allows(self, origin: str) -> bool:
        """Whether pages of that origin are meant."""
        if self._any:
            return True
        origin = origin.lower()
        return origin in self._exact or any(
            origin.startswith(before) and origin.endswith(after) and len(origin) > len(before) + len(after)
            for before, after in self._wildcards
        )


class ProjectOrigins:
    """The origins of every project that names some, read again every KEPT_SECONDS while pages ask."""

    def __init__(self, catalog: Catalog, clock: Clock = SYSTEM_CLOCK) -> None:
        self._catalog = catalog
        self._clock = clock
        self._known: dict[str, OriginList] = {}
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def preflight(self, request: Request) -> Reply | None:
        """The answer to a browser that asks whether it may; None where the request is no such question."""
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        reply = Reply(204, headers={"vary": "origin"})
        origin = request.headers.get("origin", "")
        await self._refresh()
        if _SAYABLE.fullmatch(origin) and any(known.allows(origin) for known in self._known.values()):
            reply.headers |= {
                "access-control-allow-origin": origin,
                "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
                "access-control-allow-headers": _ASKED,
                "access-control-max-age": _MAX_AGE,
            }
        return reply

    async def open_to(self, headers: Mapping[str, str], reply: Reply) -> Reply:
        """The reply, readable by the page that asked where its project allows the page's origin."""
        project = reply.headers.get(PROJECT_HEADER, "")
        origin = headers.get("origin", "")
        if not origin or "access-control-allow-origin" in reply.headers:
            return reply
        await self._refresh()
        known = self._known.get(project)
        reply.headers["vary"] = "origin"
        if known is not None and _SAYABLE.fullmatch(origin) and known.allows(origin):
            reply.headers["access-control-allow-origin"] = origin
            reply.headers["access-control-expose-headers"] = _EXPOSED
        return reply

    async def _refresh(self) -> None:
        """Read the origins again where they are old; while the catalog is away those known go on holding."""
        async with self._asking:
            if self._clock.monotonic() - self._asked_at < KEPT_SECONDS:
                return
            self._asked_at = self._clock.monotonic()
            try:
                rows = await self._catalog.rows("project_origins")
            except UnavailableError:
                return
            self._known = {str(row["id"]): OriginList(row["allowed_origins"]) for row in rows}

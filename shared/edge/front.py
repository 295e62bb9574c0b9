"""All that stands before the functions, put together: the gateway function and the embedded runtime's edge are this."""

from dataclasses import dataclass

from shared.addresses import TRUSTED_PROXIES, TrustedProxies
from shared.catalog.client import Catalog
from shared.config import CATALOG_URL, PUBLIC_URL, setting
from shared.edge.forward import Forwarder
from shared.edge.framing import Framing
from shared.edge.headers import SecurityHeaders
from shared.edge.limiting import EdgeLimits
from shared.edge.origins import ProjectOrigins
from shared.http import PROJECT_HEADER, Reply, Request
from shared.security.project_limits import LimitSettings, ProjectLimits, address_rate, open_meter
from shared.wiring import Function


@dataclass(frozen=True, kw_only=True)
class FrontSettings(LimitSettings):
    """What the front needs to know; without a catalog no project has limits or origins of its own."""

    public_url: str = setting("SLUICE_PUBLIC_URL", PUBLIC_URL, default="")
    catalog_url: str = setting("SLUICE_CATALOG_URL", CATALOG_URL, default="", secret=True)
    trusted_proxies: str = setting("SLUICE_TRUSTED_PROXIES", TRUSTED_PROXIES, default="loopback")


class Front:
    """Passes requests on, within the limits, and makes every answer fit for a browser."""

    def __init__(self, functions_url: str, settings: FrontSettings) -> None:
        self._catalog = Catalog(settings.catalog_url)
        self._origins = ProjectOrigins(self._catalog) if settings.catalog_url else None
        self._framing = Framing(self._catalog) if settings.catalog_url else None
        self._security = SecurityHeaders(settings.public_url)
        self._forwarder = Forwarder(functions_url)
        self._limits = EdgeLimits(
            ProjectLimits(self._catalog, settings),
            open_meter(settings),
            TrustedProxies(settings.trusted_proxies),
            address_rate(settings, ingest=False),
        )

    async def preflight(self, request: Request) -> Reply | None:
        """The answer to a browser that asks whether it may read; None where the request is no such question."""
        return None if self._origins is None else await self._origins.preflight(request)

    async def forward(self, request: Request, row: Function, most_bytes: int) -> Reply:
        """The answer of the function `row`. `request` carries its ids already.

        Raises Rejected where a limit is reached or the body is too large, UnavailableError where the function does
        not answer.
        """
        taken = self._limits.check(request)
        reply = await self._forwarder.forward(request, row, most_bytes)
        self._limits.learn(request, reply)
        if taken is not None:
            reply.headers.update(taken.headers())
        return reply

    async def frame(self, request: Request, page: Reply) -> Reply:
        """The page, with who may show it in a frame."""
        return page if self._framing is None else await self._framing.open_to(request, page)

    async def dress(self, request: Request, reply: Reply) -> Reply:
        """The reply with the headers that a browser goes by: of its project's origins, and of security."""
        if self._origins is not None:
            reply = await self._origins.open_to(request.headers, reply)
        reply.headers.pop(PROJECT_HEADER, None)
        return self._security.add(reply)

    async def close(self) -> None:
        """Drop the connections."""
        await self._forwarder.close()
        await self._limits.close()
        await self._catalog.close()

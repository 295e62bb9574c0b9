"""Who may show a shared dashboard in a frame: nobody, or, where its share says so, the sites of its project.

The page of a share is the app as for everybody else; only its policy differs. A project that names no sites leaves an
embeddable share open to all of them.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime

from shared.catalog.client import Catalog, Row
from shared.clock import SYSTEM_CLOCK, Clock, to_datetime
from shared.http import Reply, Request
from shared.refusals import UnavailableError

NOBODY = "frame-ancestors 'none'"
_POLICY = "content-security-policy"
_PAGE = re.compile(r"/app/shared/([A-Za-z0-9_-]{1,100})")
# An origin as a policy can say it; anything else would end the directive.
_SOURCE = re.compile(r"\*|https?://[A-Za-z0-9.*:\[\]-]{1,300}")


def frame_ancestors(origins: Iterable[str]) -> str:
    """The directive that lets these origins frame an answer; every one where none is named."""
    said = [origin.rstrip("/") for origin in origins]
    named = sorted({origin for origin in said if _SOURCE.fullmatch(origin)})
    return f"frame-ancestors {' '.join(named) or ('*' if not said else NOBODY.rsplit(maxsplit=1)[-1])}"


def framed_by(row: Row, now: datetime) -> str:
    """The directive of a share as the catalog has it: `embeddable`, its ends, and the origins of its project."""
    over = row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now)
    if not row["embeddable"] or over or row["deleted_at"] is not None:
        return NOBODY
    return frame_ancestors(row["allowed_origins"])


class Framing:
    """Opens the pages of embeddable shares to frames."""

    def __init__(self, catalog: Catalog, clock: Clock = SYSTEM_CLOCK) -> None:
        self._catalog = catalog
        self._clock = clock

    async def open_to(self, request: Request, reply: Reply) -> Reply:
        """The reply; where it is the page of an embeddable share, its policy names who may frame it.

        Nobody may while the catalog is away.
        """
        page = _PAGE.fullmatch(request.path)
        policy = reply.headers.get(_POLICY, "")
        if page is None or NOBODY not in policy:
            return reply
        digest = hashlib.sha256(page[1].encode()).digest()
        try:
            rows = await self._catalog.rows("share_frames", {"token_hash": digest})
        except UnavailableError:
            return reply
        if rows:
            said = framed_by(rows[0], to_datetime(self._clock.micros()))
            reply.headers[_POLICY] = policy.replace(NOBODY, said)
        return reply

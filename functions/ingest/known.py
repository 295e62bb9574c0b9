"""What the catalog says of projects and every event needs: read again and again in the background, asked of a dict.

A project of which nothing is said costs a look into that dict. Nothing is taken before it was read once: until then a
request is refused as unavailable, for what is stored against a rule cannot be taken back.
"""

import asyncio
import uuid
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Generic, TypeVar

import structlog

from shared.catalog.client import Catalog, Row
from shared.clock import Clock
from shared.refusals import UnavailableError

# A change holds within this time.
REFRESH_SECONDS = 15.0

log = structlog.get_logger()

OwnT = TypeVar("OwnT")


class KnownOfProjects(Generic[OwnT]):
    """What is known of all projects, REFRESH_SECONDS old at most while the catalog answers, else as known last."""

    query: str
    """The file of the catalog's SQL; its rows have a `project_id` and stand together by it."""
    what: str
    """What it is, for people."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._read_at = float("-inf")
        self._known: dict[uuid.UUID, OwnT] | None = None
        # Kept by a timer: to ask the clock would cost each event more than the rules of a project without any.
        self._fresh = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None

    def same_or_new(self, rows: Sequence[Row], before: OwnT | None) -> OwnT:
        """What a project's rows say; `before` itself where that is the same."""
        raise NotImplementedError

    async def of(self, project_id: uuid.UUID) -> OwnT | None:
        """A project's own, None where it has none; raises UnavailableError where nobody could say so far."""
        if self._clock.monotonic() - self._read_at > REFRESH_SECONDS and self._reading is None:
            self._reading = asyncio.create_task(self._read(), name=self.query)
        if self._known is None and self._reading is not None:
            await asyncio.shield(self._reading)
        if self._known is None:
            raise UnavailableError(f"{self.what} could not be read")
        return self._known.get(project_id)

    def none_for(self, project_id: uuid.UUID) -> bool:
        """Whether it is known, without waiting nor asking, that a project has none."""
        return self._fresh and (not self._known or project_id not in self._known)

    def at_once(self, project_id: uuid.UUID) -> OwnT | None:
        """A project's own without waiting nor asking; None where it has none, or nobody knows for now."""
        return self._known.get(project_id) if self._fresh and self._known else None

    async def close(self) -> None:
        """End the question under way."""
        if self._timer is not None:
            self._timer.cancel()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _old(self) -> None:
        self._fresh = False

    async def _read(self) -> None:
        try:
            rows = await self._catalog.rows(self.query)
        except UnavailableError as error:
            log.warning("stale", what=self.what, detail=str(error))
        else:
            known, before = {}, self._known or {}
            for project_id, of_project in groupby(rows, key=itemgetter("project_id")):
                known[project_id] = self.same_or_new(list(of_project), before.get(project_id))
            self._known = known
            self._read_at = self._clock.monotonic()
            self._fresh = True
            self._timer = asyncio.get_running_loop().call_later(REFRESH_SECONDS, self._old)
        finally:
            self._reading = None

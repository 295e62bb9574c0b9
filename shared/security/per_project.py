"""What the catalog says of projects that differ from the instance, known without waiting.

The rows are read in the background at most every KEPT_SECONDS, and only while somebody asks.
"""

import asyncio
import uuid
from collections.abc import Callable
from typing import Generic, TypeVar

from shared.catalog.client import Catalog, Row
from shared.clock import SYSTEM_CLOCK, Clock
from shared.refusals import UnavailableError

# A change in the catalog holds within this time.
KEPT_SECONDS = 15.0

OwnT = TypeVar("OwnT")


class PerProject(Generic[OwnT]):
    """A value for each project: what `read` makes of its row, `default` for a project without one.

    Until the rows were read for the first time, and where the catalog is away from the start, `default` holds.
    """

    def __init__(
        self, catalog: Catalog, query: str, read: Callable[[Row], OwnT], default: OwnT, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """`query` is a file of the catalog's SQL whose rows have a `project_id`."""
        self._catalog = catalog
        self._query = query
        self._read = read
        self._default = default
        self._clock = clock
        self._asked_at = float("-inf")
        self._asking: asyncio.Task[None] | None = None
        self._own: dict[uuid.UUID, OwnT] = {}

    def of(self, project_id: uuid.UUID | None) -> OwnT:
        """The value of a project; the default for None."""
        if self._clock.monotonic() - self._asked_at > KEPT_SECONDS:
            self._asked_at = self._clock.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self.refresh())
        return self._own.get(project_id, self._default) if project_id is not None else self._default

    async def refresh(self) -> None:
        """Read them now; while the catalog is away those known go on holding."""
        try:
            rows = await self._catalog.rows(self._query)
        except UnavailableError:
            return
        self._own = {row["project_id"]: self._read(row) for row in rows}

    async def close(self) -> None:
        """End the question under way."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

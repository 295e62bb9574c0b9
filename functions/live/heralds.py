"""Telling alert_evaluate that events arrived, for the projects with rules that events may decide at once.

Which projects those are is asked of the catalog now and then; where it is away, or the bus, nobody is told: the next
tick of the alert rules finds the same. Counting never waits for it.
"""

import uuid

import structlog

from shared.arrivals import arrived
from shared.bus import Bus
from shared.catalog.client import Catalog
from shared.clock import Clock
from shared.events import CONTROL_TOPIC
from shared.refusals import UnavailableError

log = structlog.get_logger()

# How old the list of projects may be, and how often one is told of.
KNOWN_SECONDS = 15.0
APART_SECONDS = 1.0


class Herald:
    """Tells of a project at most once in APART_SECONDS; used within one event loop."""

    def __init__(self, catalog: Catalog, bus: Bus, clock: Clock) -> None:
        self._catalog = catalog
        self._bus = bus
        self._clock = clock
        self._told: dict[uuid.UUID, float] = {}
        self._asked_at = float("-inf")

    async def arrived(self, project: str) -> None:
        """Events of this project arrived; whoever waits for that is told, or nobody where that is not possible now."""
        now = self._clock.monotonic()
        try:
            if now - self._asked_at >= KNOWN_SECONDS:
                self._asked_at = now
                rows = await self._catalog.rows("projects_with_quick_alerts")
                told = self._told
                self._told = {row["project_id"]: told.get(row["project_id"], float("-inf")) for row in rows}
            project_id = _project(project)
            if project_id is None or now - self._told.get(project_id, now) < APART_SECONDS:
                return
            self._told[project_id] = now
            await self._bus.publish(CONTROL_TOPIC, [arrived(project_id, self._clock.micros())])
        except UnavailableError as error:
            log.info("arrival not told", project=project, detail=str(error))


def _project(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None

"""Who came into a segment and who left it: looked at each quarter of an hour, told once by one event."""

import uuid
from pathlib import Path
from typing import Any

import msgspec
import structlog

from functions.segment.logic import among
from functions.segment.store import Segment, Segments, tell, tell_gone
from shared.bus import Bus, Message
from shared.clock import Clock, to_datetime
from shared.events import CONTROL_TOPIC
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.query.segments import members_sql
from shared.query.zone import project_timezone
from shared.refusals import Rejected
from shared.timers import Timers, Window
from shared.warehouse.client import Warehouse, WarehouseError

log = structlog.get_logger()

TIMER = "segment"
CHANGED = "dev.sluice.segment.changed.v1"
CATCH_UP, AT_ONCE = 1, 2
# A segment of more people is not watched: its size is not noted and nobody is told.
MOST_WATCHED = 1_000_000
# Of those who came and those who went, so many are named.
MOST_NAMED = 1_000
_HERE = Path(__file__).parent


class Watcher:
    """Sees who is in each segment, and tells what has changed since it looked before."""

    def __init__(self, segments: Segments, timers: Timers, warehouse: Warehouse, bus: Bus, clock: Clock) -> None:
        self._segments = segments
        self._timers = timers
        self._warehouse = warehouse
        self._bus = bus
        self._clock = clock

    async def tick(self) -> int:
        """Mend what questions know of segments, then look at every segment that is due; raises UnavailableError."""
        segments = {one.id: one for one in await self._segments.all(None)}
        await self._mend(segments)
        return await self._timers.run(self._window)

    async def _mend(self, segments: dict[uuid.UUID, Segment]) -> None:
        """A crash between catalog and warehouse leaves them apart; the catalog is right."""
        rows = (await self._warehouse.query(read_sql(_HERE, "told"))).rows
        told = {uuid.UUID(which): (uuid.UUID(project), version, there) for project, which, version, there in rows}
        for segment in segments.values():
            if segment.id not in told or told[segment.id][1] < segment.version:
                await tell(self._warehouse, segment)
        for which, (project, version, there) in told.items():
            if there and which not in segments:
                await tell_gone(self._warehouse, project, which, version)

    async def _window(self, window: Window) -> None:
        segment = await self._segments.find(uuid.UUID(window.item))
        if segment is None:
            await self._timers.remove(window.item)
            return
        try:
            await self._look(segment, window)
        except (Rejected, WarehouseError) as refused:
            log.warning("segment not seen", segment=str(segment.id), detail=str(refused))

    async def _look(self, segment: Segment, window: Window) -> None:
        project_timezone.set(await self._segments.timezone(segment.project_id))
        question = await among(
            segment.project_id, await self._segments.all(segment.project_id), self._warehouse, self._clock
        )
        now = to_datetime(self._clock.micros())
        if await question.size(segment.condition) > MOST_WATCHED:
            await self._segments.seen(segment, None, now, 0)
            return
        generation = max(self._clock.micros(), segment.generation + 1)
        parameters = Parameters()
        which = {"project": str(segment.project_id), "segment": str(segment.id)}
        sql = read_sql(
            _HERE,
            "see",
            project=parameters.bind("UUID", which["project"]),
            segment=parameters.bind("UUID", which["segment"]),
            generation=parameters.bind("UInt64", generation),
            members=members_sql(segment.condition, question.segments, parameters),
            most=str(MOST_WATCHED),
        )
        await self._warehouse.change(sql, parameters.values)
        values = {**which, "before": segment.generation, "after": generation, "shown": MOST_NAMED}
        [(size, entered, gone, came, went)] = (await self._warehouse.query(read_sql(_HERE, "changed"), values)).rows
        if segment.generation and (entered or gone):
            data = {
                "project_id": which["project"],
                "segment_id": which["segment"],
                "name": segment.name,
                "version": segment.version,
                "at": now.isoformat(),
                "size": size,
                "entered": entered,
                "left": gone,
                "entered_people": came,
                "left_people": went,
                "complete": entered <= MOST_NAMED and gone <= MOST_NAMED,
            }
            await self._bus.publish(CONTROL_TOPIC, [_event(segment, window, data)])
        if await self._segments.seen(segment, size, now, generation):
            await self._warehouse.change(read_sql(_HERE, "forget"), {**which, "kept": generation})


def _event(segment: Segment, window: Window, data: dict[str, Any]) -> Message:
    """The same window told twice is the same event."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid5(segment.id, window.key)),
        "source": "/sluice/segments",
        "type": CHANGED,
        "time": data["at"].replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "project": str(segment.project_id),
        "subject": str(segment.id),
    }
    return Message(attributes, msgspec.json.encode(data))

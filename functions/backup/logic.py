"""What the timer and the events of copies do."""

import asyncio
from uuid import UUID

import msgspec
import structlog

from functions.backup.ports import Ports
from shared import metrics
from shared.backups import BackupError
from shared.backups.records import Copy
from shared.backups.tombstones import keep
from shared.backups.working import remove_expired, turn
from shared.bus import Message
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.events import CONTROL_TOPIC
from shared.refusals import UnavailableError
from shared.timers import Window
from shared.timers.schedule import Schedule

REQUESTED = "dev.sluice.backup.requested.v1"
COMPLETED = "dev.sluice.backup.completed.v1"
DUE = "dev.sluice.backup.due.v1"
ERASED = "dev.sluice.erasure.completed.v1"
NEVER = "never"
# Of one event; a copy that needs longer asks for its own next turn.
_TURN_SECONDS = 120.0

log = structlog.get_logger()


class Asked(msgspec.Struct, frozen=True):
    """The data of a copy's event; `state` once it is finished."""

    id: UUID
    state: str = "running"


async def request(ports: Ports, copy_id: UUID) -> None:
    """Let a worker make a copy; raises BusUnavailableError."""
    await ports.backups.bus.publish(CONTROL_TOPIC, [_message(REQUESTED, Asked(copy_id))])


async def go_on(ports: Ports, copy_id: UUID) -> None:
    """A turn at a copy, and the event for the next; UnavailableError where another worker is at it."""
    if await turn(ports.backups, copy_id, _TURN_SECONDS):
        await request(ports, copy_id)
        return
    copy = await ports.backups.records.find(copy_id)
    if copy is not None and copy.state == "running":
        raise UnavailableError("another worker makes this copy; asked again, it is seen to when that one ends")
    if copy is not None:
        await ports.backups.bus.publish(CONTROL_TOPIC, [_message(COMPLETED, Asked(copy.id, copy.state))])


async def tick(ports: Ports) -> None:
    """What is due: copies and drills by their schedules, copies that were left half made, old ones, tombstones."""
    for item, cron in (("copy", _schedule(ports)), ("drill", ports.settings.drill_schedule)):
        if cron == NEVER:
            await ports.timers.remove(item)
        else:
            await ports.timers.put(item, Schedule(cron, "UTC"))
    for copy_id in await ports.backups.records.stalled():
        await request(ports, copy_id)
    await ports.timers.run(lambda window: _due(ports, window))
    await note_erased(ports)
    await remove_expired(ports.backups)


async def note_erased(ports: Ports) -> None:
    """Note beside the copies, where there are any, whom a restore must not bring back."""
    if await ports.backups.records.newest() is not None:
        await asyncio.to_thread(keep, ports.settings.catalog_url, ports.backups.storage, SYSTEM_CLOCK)


def _schedule(ports: Ports) -> str:
    """Copies beside the data they are of are made by request alone."""
    return ports.settings.schedule if ports.settings.backup_url else NEVER


async def _due(ports: Ports, window: Window) -> None:
    if window.item == "drill":
        newest = await ports.backups.records.newest()
        if newest is not None:
            await _drilled(ports, newest)
        return
    expires = ports.settings.expires(to_datetime(SYSTEM_CLOCK.micros()))
    copy_id = await ports.backups.records.begin("timer", window.key, expires)
    if copy_id is not None:
        await request(ports, copy_id)


async def _drilled(ports: Ports, copy_id: UUID) -> None:
    """Restore the newest copy for real, and note what came of it."""
    from shared.backups.drill import drill

    backups, settings = ports.backups, ports.settings
    try:
        manifest = await asyncio.to_thread(backups.storage.manifest, copy_id)
        urls = (settings.warehouse_url, settings.catalog_url)
        await drill(manifest, backups.storage, urls, SYSTEM_CLOCK, lambda step: log.info("drill", step=step))
    except BackupError as error:
        metrics.BACKUPS_TOTAL.labels("drill", "failed").inc()
        log.error("drill failed", copy=str(copy_id), detail=str(error))  # noqa: TRY400 (its words say what is wrong)
        await backups.records.drilled(copy_id, str(error))
    else:
        metrics.BACKUPS_TOTAL.labels("drill", "completed").inc()
        await backups.records.drilled(copy_id, "")


def plain(copy: Copy) -> dict[str, object]:
    """A copy as the audit log keeps it."""
    return {"state": copy.state, "holds_until": copy.holds_until, "bytes": copy.bytes}


def _message(event_type: str, asked: Asked) -> Message:
    attributes = {
        "specversion": "1.0",
        "id": f"{asked.id}:{asked.state}:{SYSTEM_CLOCK.micros()}",
        "source": "/sluice/backup",
        "type": event_type,
        "time": to_datetime(SYSTEM_CLOCK.micros()).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
    }
    return Message(attributes, msgspec.json.encode(asked))

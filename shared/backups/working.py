"""One turn at a copy: taken, gone on with for a while, and let go of or ended."""

import asyncio
from functools import partial
from uuid import UUID

import structlog

from shared import metrics
from shared.backups import BackupBusyError, BackupError, Manifest
from shared.backups.opening import Backups
from shared.backups.records import MOST_ATTEMPTS
from shared.refusals import Refusal, UnavailableError
from shared.warehouse.client import WarehouseError

log = structlog.get_logger()

_REFUSED = "backup_refused"


async def turn(backups: Backups, copy_id: UUID, seconds: float) -> bool:
    """Go on with a copy for about so many seconds; whether it is to be gone on with.

    Raises UnavailableError where an engine or the storage is away or full: the copy stays as far as it was.
    """
    held = await backups.records.claim(copy_id)
    if held is None:
        return False
    if held.attempts > MOST_ATTEMPTS:
        await _failed(backups, held.id, "given up after several attempts without progress")
        await backups.records.fail(held, Refusal.INTERNAL, f"given up after {MOST_ATTEMPTS} attempts without progress")
        return False
    try:
        async with backups.records.kept(held):
            found = await backups.making.step(
                held.id, held.created_at, held.checkpoint, seconds, partial(backups.records.note, held)
            )
    except (BackupError, WarehouseError) as error:
        await _failed(backups, held.id, str(error))
        await backups.records.fail(held, _REFUSED, str(error))
        return False
    except UnavailableError as error:
        await backups.records.release(held, None, str(error))
        raise
    if not isinstance(found, Manifest):
        await backups.records.release(held, found)
        return True
    await backups.records.complete(held, found)
    _completed(found)
    return False


async def make(backups: Backups, copy_id: UUID) -> None:
    """Make a copy to its end in this process."""
    while await turn(backups, copy_id, 3_600.0):
        pass


async def remove_expired(backups: Backups) -> int:
    """End copies whose time is over; returns how many."""
    expired = [] if await backups.records.busy() else await backups.records.expired()
    for copy_id in expired:
        await remove(backups, copy_id)
    return len(expired)


async def remove(backups: Backups, copy_id: UUID) -> None:
    """End one copy: what no other needs of it goes. Raises BackupError, UnavailableError.

    Not while another is being made, whose manifest does not say yet what it needs (BackupBusyError).
    """
    if await backups.records.busy():
        raise BackupBusyError("a copy is being made, which may need files of this one: try again when it is done")
    gone = await asyncio.to_thread(backups.storage.remove, copy_id)
    await backups.records.deleted(copy_id)
    log.info("copy removed", copy=str(copy_id), files=gone)


async def _failed(backups: Backups, copy_id: UUID, detail: str) -> None:
    metrics.BACKUPS_TOTAL.labels("copy", "failed").inc()
    log.error("copy not made", copy=str(copy_id), detail=detail)
    try:
        await asyncio.to_thread(backups.storage.sweep, copy_id)
    except (BackupError, UnavailableError) as error:
        log.warning("files of a failed copy are left", copy=str(copy_id), detail=str(error))


def _completed(manifest: Manifest) -> None:
    metrics.BACKUPS_TOTAL.labels("copy", "completed").inc()
    metrics.BACKUP_BYTES.set(manifest.bytes)
    metrics.BACKUP_HOLDS_UNTIL.set(manifest.holds_until.timestamp())
    log.info(
        "copy made", copy=str(manifest.id), events=manifest.events, bytes=manifest.bytes, written=manifest.written_bytes
    )

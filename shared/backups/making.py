"""Making a copy: step by step, so that a function's time is enough, and from where it stood after a crash.

The point in time comes first: all that was accepted before is written into the warehouse, or the point moves back to
the oldest record that is not. Then the catalog, in one snapshot; then the warehouse, unit by unit. What is copied later
than the point holds more, never less. The manifest is last.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
import structlog

from shared.backups import CatalogTable, Manifest, Unit
from shared.backups import catalog as catalog_files
from shared.backups.rows import dump, parts_of, unchanged
from shared.backups.storage import Storage
from shared.backups.tombstones import keep
from shared.bus.inspection import Inspection
from shared.clock import Clock, to_datetime
from shared.dead_letters import DEAD_LETTERS
from shared.events import EVENTS_TOPIC
from shared.failpoints import reach
from shared.freshness import WRITER
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import current_version

log = structlog.get_logger()

_DRAIN_SECONDS = 30.0
_POLL_SECONDS = 0.25
_RESENDER = "dead-letter"
_LOOKED_AT = 200


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How far a copy is: what a later step needs not do again."""

    holds_until: datetime
    catalog_revision: str
    warehouse_version: int
    sequences: dict[str, int]
    catalog: list[CatalogTable]
    units: list[Unit] = []


class Source(NamedTuple):
    """What is copied: its engines, and the settings that may be known."""

    warehouse: Warehouse
    catalog_url: str
    inspection: Callable[[], Inspection]
    settings: dict[str, str]


class Making:
    """One copy under way."""

    def __init__(self, source: Source, storage: Storage, clock: Clock) -> None:
        self._source = source
        self._storage = storage
        self._clock = clock

    async def step(
        self,
        copy_id: UUID,
        created_at: datetime,
        checkpoint: Checkpoint | None,
        seconds: float,
        note: Callable[[Checkpoint], Awaitable[None]] | None = None,
    ) -> Checkpoint | Manifest:
        """Go on for about so many seconds: how far it is then, or the manifest of the finished copy.

        `note` is told after each file how far it is. Raises BackupError where it cannot be made, UnavailableError where
        a later step may.
        """
        until = self._clock.monotonic() + seconds
        if copy_id in await asyncio.to_thread(self._storage.copies):  # whoever wrote it died before it said so
            return await asyncio.to_thread(self._storage.manifest, copy_id)
        if checkpoint is None:
            checkpoint = await self._begin(copy_id)
            if note is not None:
                await note(checkpoint)
            reach("backup.after_catalog")
        before = await asyncio.to_thread(self._storage.newest)
        done = {(unit.table, unit.month) for unit in checkpoint.units}
        for part in await parts_of(self._source.warehouse):
            if (part.table, part.month) in done:
                continue
            known = unchanged(part, before)
            unit = known or await asyncio.to_thread(dump, self._source.warehouse, part, self._storage, copy_id)
            checkpoint = msgspec.structs.replace(checkpoint, units=[*checkpoint.units, unit])
            if known is None and note is not None:
                await note(checkpoint)
            reach("backup.after_unit")
            if self._clock.monotonic() > until:
                return checkpoint
        manifest = self._manifest(copy_id, created_at, checkpoint)
        await asyncio.to_thread(keep, self._source.catalog_url, self._storage, self._clock)
        reach("backup.before_manifest")
        await asyncio.to_thread(self._storage.write_manifest, manifest)
        reach("backup.after_manifest")
        return manifest

    async def _begin(self, copy_id: UUID) -> Checkpoint:
        await asyncio.to_thread(self._storage.check)
        holds_until = await self._point()
        version = await current_version(self._source.warehouse)
        dumped = await asyncio.to_thread(catalog_files.dump, self._source.catalog_url, self._storage, copy_id)
        return Checkpoint(
            holds_until=holds_until,
            catalog_revision=dumped.revision,
            warehouse_version=version,
            sequences=dumped.sequences,
            catalog=dumped.tables,
        )

    async def _point(self) -> datetime:
        """Now, once all that was accepted before is written; else when the oldest that is not was accepted."""
        now = to_datetime(self._clock.micros())
        looking = self._source.inspection()
        deadline = self._clock.monotonic() + _DRAIN_SECONDS
        while True:
            oldest = now
            for topic, group in ((EVENTS_TOPIC, WRITER), (DEAD_LETTERS, _RESENDER)):
                for one in await looking.waiting(topic, group, _LOOKED_AT):
                    oldest = min(oldest, _moment(one.message.attributes.get("time", ""), now))
            if oldest == now or self._clock.monotonic() > deadline:
                return oldest
            await asyncio.sleep(_POLL_SECONDS)

    def _manifest(self, copy_id: UUID, created_at: datetime, done: Checkpoint) -> Manifest:
        return Manifest(
            id=copy_id,
            created_at=created_at,
            holds_until=done.holds_until,
            finished_at=to_datetime(self._clock.micros()),
            catalog_revision=done.catalog_revision,
            warehouse_version=done.warehouse_version,
            secret_id=self._storage.seal.id,
            settings=self._source.settings,
            sequences=done.sequences,
            catalog=done.catalog,
            units=done.units,
        )


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return otherwise - timedelta(seconds=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

"""What the catalog knows of copies: which there are, who makes one now, and until when they are kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from shared.backups import BackupBusyError, CopyState, Manifest
from shared.backups.making import Checkpoint
from shared.catalog.client import Catalog, CatalogUnavailableError
from shared.ids import uuid7
from shared.jobs import LEASE_SECONDS

MOST_ATTEMPTS = 5
_RENEWALS = 3


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A copy: everything accepted before `holds_until` is in it; `expires_at` null means that it is kept for ever.

    `bytes` are of all its files, `written_bytes` of those it does not share with earlier copies. `drill` is what the
    last restore drill found wrong, empty where nothing was, null before the first.
    """

    id: UUID
    kind: Literal["asked", "timer"]
    state: CopyState
    asked_by: str
    created_at: datetime
    holds_until: datetime | None
    expires_at: datetime | None
    finished_at: datetime | None
    deleted_at: datetime | None
    events: int
    rows: int
    bytes: int
    written_bytes: int
    files: int
    drilled_at: datetime | None
    drill: str | None
    error_code: str | None
    error_detail: str | None


class Held(msgspec.Struct, frozen=True):
    """A copy that this process makes."""

    id: UUID
    lease: UUID
    created_at: datetime
    attempts: int
    checkpoint: Checkpoint | None


class Records:
    """Every call raises CatalogUnavailableError where the catalog is away."""

    def __init__(self, catalog: Catalog, lease_seconds: float = LEASE_SECONDS) -> None:
        self._catalog = catalog
        self._lease_seconds = lease_seconds

    async def begin(self, kind: Literal["asked", "timer"], asked_by: str, expires_at: datetime | None) -> UUID | None:
        """A new copy to make; None where one is being made."""
        values = {"id": uuid7(), "kind": kind, "asked_by": asked_by[:200], "expires_at": expires_at}
        rows = await self._catalog.rows("backups/create", values)
        return rows[0]["id"] if rows else None

    async def page(self, before: UUID | None, most: int) -> list[Copy]:
        """Copies, the newest first."""
        return [Copy(**row) for row in await self._catalog.rows("backups/list", {"before": before, "most": most})]

    async def find(self, copy_id: UUID) -> Copy | None:
        """One copy."""
        rows = await self._catalog.rows("backups/find", {"id": copy_id})
        return Copy(**rows[0]) if rows else None

    async def newest(self) -> UUID | None:
        """The newest copy that is whole."""
        rows = await self._catalog.rows("backups/newest")
        return rows[0]["id"] if rows else None

    async def claim(self, copy_id: UUID) -> Held | None:
        """Make this copy from now on; None where it is finished or somebody else's."""
        lease = uuid7()
        values = {"id": copy_id, "lease": lease, "seconds": self._lease_seconds}
        rows = await self._catalog.rows("backups/claim", values)
        if not rows:
            return None
        text = rows[0]["checkpoint"]
        checkpoint = msgspec.json.decode(text, type=Checkpoint) if text else None
        return Held(copy_id, lease, rows[0]["created_at"], rows[0]["attempts"], checkpoint)

    @contextlib.asynccontextmanager
    async def kept(self, held: Held) -> AsyncIterator[None]:
        """Hold on to it until the end of the block."""
        task = asyncio.create_task(self._renew(held), name=f"backup-{held.id}")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _renew(self, held: Held) -> None:
        while True:
            await asyncio.sleep(self._lease_seconds / _RENEWALS)
            with contextlib.suppress(CatalogUnavailableError):
                values = {"id": held.id, "lease": held.lease, "seconds": self._lease_seconds}
                await self._catalog.rows("backups/renew", values)

    async def note(self, held: Held, checkpoint: Checkpoint) -> None:
        """How far it is: whoever goes on begins here. Raises BackupBusyError where it is not ours any more."""
        values = {"id": held.id, "lease": held.lease, "checkpoint": msgspec.json.encode(checkpoint).decode()}
        if not await self._catalog.rows("backups/note", values):
            raise BackupBusyError("another worker makes this copy now")

    async def release(self, held: Held, checkpoint: Checkpoint | None, detail: str = "") -> None:
        """Let go of it, further or not."""
        text = msgspec.json.encode(checkpoint).decode() if checkpoint is not None else None
        values = {"id": held.id, "lease": held.lease, "checkpoint": text, "detail": detail[:2_000] or None}
        await self._catalog.rows("backups/release", values)

    async def complete(self, held: Held, manifest: Manifest) -> bool:
        """It is a copy now."""
        figures = {
            "holds_until": manifest.holds_until,
            "events": manifest.events,
            "rows": manifest.rows,
            "bytes": manifest.bytes,
            "written_bytes": manifest.written_bytes,
            "files": len(manifest.files),
        }
        return await self._finish(held, "completed", {**figures, "code": None, "detail": None})

    async def fail(self, held: Held, code: str, detail: str) -> bool:
        """It will not be one."""
        nothing = dict.fromkeys(("events", "rows", "bytes", "written_bytes", "files"), 0)
        values = {**nothing, "holds_until": None, "code": code, "detail": detail[:2_000]}
        return await self._finish(held, "failed", values)

    async def _finish(self, held: Held, state: CopyState, values: Mapping[str, object]) -> bool:
        which = {"id": held.id, "lease": held.lease, "state": state}
        return bool(await self._catalog.rows("backups/finish", {**which, **values}))

    async def stalled(self) -> list[UUID]:
        """Copies that nobody makes although they are begun."""
        return [row["id"] for row in await self._catalog.rows("backups/stalled")]

    async def busy(self) -> bool:
        """Whether a copy is being made."""
        return any(copy.state == "running" for copy in await self.page(None, 1_000))

    async def expired(self) -> list[UUID]:
        """Copies whose time is over."""
        return [row["id"] for row in await self._catalog.rows("backups/expired")]

    async def deleted(self, copy_id: UUID) -> None:
        """It is gone."""
        await self._catalog.rows("backups/deleted", {"id": copy_id})

    async def drilled(self, copy_id: UUID, found: str) -> None:
        """What a restore drill found wrong with it."""
        await self._catalog.rows("backups/drilled", {"id": copy_id, "found": found[:2_000]})

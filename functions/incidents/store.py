"""Incidents, their timelines and what waits to be told, in the catalog."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from functions.incidents.states import Incident, Move, Notice, NoticeKind, Step
from shared.catalog.client import Queries, Row
from shared.ids import uuid7
from shared.notifications import Language

_MOST_STEPS = 1_000
_WRITTEN = (
    *("id", "version", "name", "severity", "state", "snoozed_until", "held", "in_maintenance", "data", "source_id"),
    *("source_at", "step", "step_at", "repeats", "next_at", "acknowledged_at", "acknowledged_by", "resolved_at"),
)
_OPENED = (
    *("id", "project_id", "rule_id", "dedup_key", "name", "group_name", "severity", "policy_id", "state"),
    *("in_maintenance", "data", "source_id", "source_at", "next_at", "opened_at", "resolved_at"),
)


class Batch(msgspec.Struct, frozen=True):
    """What the same people are told in one message; `project` is the project's name."""

    id: uuid.UUID
    project_id: uuid.UUID
    project: str


class Waiting(msgspec.Struct, frozen=True):
    """A notice of a batch, with its incident as it is now."""

    notice: Notice
    incident: Incident


class Incidents:
    """Reads and writes incidents, in a catalog or a transaction.

    Every call raises CatalogUnavailableError where the catalog is away.
    """

    def __init__(self, catalog: Queries) -> None:
        self._catalog = catalog

    async def open(self, incident: Incident, step: Step) -> Incident | None:
        """A new incident with its first step; None where it is there, or another is open for its dedup key.

        Raises CatalogRefusedError where its project is gone.
        """
        values = {name: getattr(incident, name) for name in _OPENED}
        noted = {"step_id": step.id, "step_kind": step.kind, "step_data": _json(step.data)}
        return _one(await self._rows("open", {**values, **noted}))

    async def save(self, move: Move) -> bool:
        """Write what happened, all of it or nothing; False where somebody else changed the incident meanwhile."""
        values = {name: getattr(move.incident, name) for name in _WRITTEN}
        return bool(await self._rows("save", {**values, **_step_values(move.step), **_notice_values(move)}))

    async def find(self, incident_id: uuid.UUID, project_id: uuid.UUID | None = None) -> Incident | None:
        """The incident of that id, of any project or only of this one."""
        return _one(await self._rows("find", {"id": incident_id, "project_id": project_id}))

    async def hold(self, incident_id: uuid.UUID, project_id: uuid.UUID) -> Incident | None:
        """The same, in a transaction, and nobody else changes it until that is over."""
        return _one(await self._rows("hold", {"id": incident_id, "project_id": project_id}))

    async def hold_open(self, project_id: uuid.UUID, dedup_key: str) -> Incident | None:
        """The one that is not resolved, held as by `hold`."""
        return _one(await self._rows("hold_open", {"project_id": project_id, "dedup_key": dedup_key}))

    async def hold_source(self, project_id: uuid.UUID, source_id: uuid.UUID, dedup_key: str) -> Incident | None:
        """The latest one of a rule's own incident, in whatever state, held as by `hold`."""
        values = {"project_id": project_id, "source_id": source_id, "dedup_key": dedup_key}
        return _one(await self._rows("hold_source", values))

    async def due(self, now: datetime, most: int) -> list[Incident]:
        """Those that have to be looked at."""
        return _all(await self._rows("due", {"now": now, "most": most}))

    async def orphans(self, most: int) -> list[Incident]:
        """Those that are open though their rule is gone."""
        return _all(await self._rows("orphans", {"most": most}))

    async def page(
        self,
        project_id: uuid.UUID,
        *,
        state: str,
        severity: str,
        rule_id: uuid.UUID | None,
        since: datetime | None,
        before: tuple[datetime, uuid.UUID] | None,
        most: int,
    ) -> list[Incident]:
        """A project's, the newest first, at most so many of those before that one."""
        at, before_id = before or (None, None)
        values = {"state": state, "severity": severity, "rule_id": rule_id, "since": since, "most": most}
        return _all(await self._rows("list", {"project_id": project_id, "at": at, "before": before_id, **values}))

    async def timeline(self, incident_id: uuid.UUID) -> list[Step]:
        """Its steps in the order of time, the last thousand."""
        found = await self._rows("steps", {"incident_id": incident_id, "most": _MOST_STEPS})
        return [Step(**{**row, "data": msgspec.json.decode(row["data"])}) for row in found]

    async def has_step(self, step_id: uuid.UUID) -> bool:
        """Whether a step was noted."""
        return bool(await self._rows("step_exists", {"id": step_id}))

    async def told_of(self, incident: Incident) -> Notice | None:
        """The notice of its end for all who were told of it; None where nobody was."""
        [row] = await self._rows("told_of", {"incident_id": incident.id})
        if not row["emails"] and not row["channels"]:
            return None
        return Notice("resolved", row["emails"], row["channels"], row["language"] or "en")

    async def lock_batches(self) -> None:
        """Keep others from forming batches and resolving until the transaction is over."""
        await self._rows("lock_batches", {})

    async def form_batches(self, now: datetime, ripe: datetime, apart: datetime) -> None:
        """Put together what is told in one message: noted before `ripe`, told the like of it before `apart`.

        In a transaction, after `lock_batches`.
        """
        await self._rows("form_batches", {"now": now, "ripe": ripe, "apart": apart})

    async def waits(self, now: datetime, ripe: datetime) -> bool:
        """Whether something is told soon, once what may come with it has come."""
        return bool(await self._rows("waits", {"now": now, "ripe": ripe}))

    async def untold(self, most: int) -> list[Batch]:
        """Batches that nobody was told of yet."""
        return [Batch(**row) for row in await self._rows("untold_batches", {"most": most})]

    async def batch(self, batch_id: uuid.UUID) -> Batch | None:
        """The batch of that id."""
        rows = await self._rows("find_batch", {"id": batch_id})
        return Batch(**rows[0]) if rows else None

    async def of_batch(self, batch_id: uuid.UUID) -> list[Waiting]:
        """What a batch tells, in the order it came."""
        return [_waiting(row) for row in await self._rows("of_batch", {"batch_id": batch_id})]

    async def told(self, batch_id: uuid.UUID) -> None:
        """Everybody was told of a batch."""
        await self._rows("told_batch", {"id": batch_id})

    async def on_call(
        self, project_id: uuid.UUID, channels: Sequence[uuid.UUID], kinds: Sequence[str]
    ) -> set[uuid.UUID]:
        """Those of the channels that are of these kinds."""
        values = {"project_id": project_id, "ids": list(channels), "kinds": list(kinds)}
        return {row["id"] for row in await self._rows("on_call", values)}

    async def recheck(self, project_id: uuid.UUID, now: datetime) -> None:
        """Look again at what is held back: what held it was changed."""
        await self._rows("recheck", {"project_id": project_id, "now": now})

    async def _rows(self, query: str, values: Row) -> list[Row]:
        return await self._catalog.rows(f"incidents/{query}", values)


def audience(notice: Notice) -> str:
    """The same for notices of a kind to the same people in the same language."""
    parts = [notice.kind, notice.language, *sorted(notice.emails), *sorted(map(str, notice.channels))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _step_values(step: Step | None) -> Row:
    if step is None:
        return {f"step_{name}": None for name in ("id", "kind", "time", "data")} | dict.fromkeys(
            ("actor", "who", "note"), ""
        )
    named = {"step_id": step.id, "step_kind": step.kind, "step_time": step.at, "step_data": _json(step.data)}
    return {**named, "actor": step.actor, "who": step.who, "note": step.note}


def _notice_values(move: Move) -> Row:
    if move.notice is None:
        nothing = ("notice_id", "notice_kind", "emails", "channels", "language", "audience", "noted_at")
        return {**dict.fromkeys(nothing), "drops": move.drops}
    values: Row = {"notice_id": uuid7(), "notice_kind": move.notice.kind, "language": move.notice.language}
    values |= {"emails": list(move.notice.emails), "channels": list(move.notice.channels)}
    noted_at = move.tell_at or (move.step.at if move.step is not None else move.incident.opened_at)
    return {**values, "audience": audience(move.notice), "noted_at": noted_at, "drops": move.drops}


def _waiting(row: dict[str, Any]) -> Waiting:
    kind: NoticeKind = row.pop("notice_kind")
    emails, channels = row.pop("notice_emails"), row.pop("notice_channels")
    language: Language = row.pop("notice_language")
    return Waiting(Notice(kind, emails, channels, language), Incident(**row))


def _one(rows: list[Row]) -> Incident | None:
    return Incident(**rows[0]) if rows else None


def _all(rows: list[Row]) -> list[Incident]:
    return [Incident(**row) for row in rows]


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

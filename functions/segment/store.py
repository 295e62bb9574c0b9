"""Segments in the catalog, which is the truth, and what questions know of them in the warehouse."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from functions.segment.asked import Kind
from shared.catalog.client import Queries, Row
from shared.ids import uuid7
from shared.query.segment_rules import Stored, named, refused
from shared.query.segments import Kept, decode_definition
from shared.refusals import Refusal, Rejected
from shared.timers import Timers
from shared.timers.schedule import Schedule
from shared.warehouse.client import Warehouse

# How often is looked who came and who went.
EACH_QUARTER = Schedule("*/15 * * * *", "UTC")


class Segment(msgspec.Struct, frozen=True):
    """A row of `segments`; `definition` is the JSON of a condition, `generation` names the members seen last."""

    id: uuid.UUID
    project_id: uuid.UUID
    name: str
    description: str
    kind: Kind
    definition: str
    version: int
    size: int | None
    seen_at: datetime | None
    generation: int
    created_at: datetime
    updated_at: datetime

    @property
    def condition(self) -> Stored:
        return decode_definition(self.definition)


class Written(msgspec.Struct, frozen=True):
    """What a segment is to be."""

    name: str
    description: str
    kind: Kind
    definition: Stored

    def values(self) -> Row:
        text = msgspec.json.encode(self.definition).decode()
        return {"name": self.name, "description": self.description, "kind": self.kind, "definition": text}


class Segments:
    """Reads and writes segments, in a catalog or a transaction; raises CatalogUnavailableError where it is away."""

    def __init__(self, catalog: Queries, timers: Timers, most: int) -> None:
        self._catalog = catalog
        self._timers = timers
        self._most = most

    def within(self, transaction: Queries) -> "Segments":
        """The same, in a transaction."""
        return Segments(transaction, self._timers, self._most)

    async def create(self, project_id: uuid.UUID, wanted: Written, segment_id: uuid.UUID | None = None) -> Segment:
        """A new segment. In a transaction: it holds the project's row, so that two at once see each other.

        Refuses more than a project may have, a name that is taken (`conflict`), and naming what is not there or
        itself (`bad_segment`).
        """
        found = await self._locked(project_id, wanted.name, None)
        if len(found) >= self._most:
            raise Rejected(Refusal.CONFLICT, f"the project has {self._most} segments, as many as it may: delete one")
        made = segment_id or uuid7()
        _check_named(made, wanted.definition, found)
        timer = self._timers.values(str(made), EACH_QUARTER)
        [row] = await self._catalog.rows(
            "create_segment", {"id": made, "project_id": project_id, **wanted.values(), **timer}
        )
        return Segment(**row)

    async def find(self, segment_id: uuid.UUID, project_id: uuid.UUID | None = None) -> Segment | None:
        """The segment of that id, of any project or only of this one."""
        rows = await self._catalog.rows("find_segment", {"id": segment_id, "project_id": project_id})
        return Segment(**rows[0]) if rows else None

    async def page(self, project_id: uuid.UUID, before: uuid.UUID | None, most: int) -> list[Segment]:
        """A project's segments, the newest first, at most so many of those made before that id."""
        rows = await self._catalog.rows("list_segments", {"project_id": project_id, "before": before, "most": most})
        return [Segment(**row) for row in rows]

    async def all(self, project_id: uuid.UUID | None) -> list[Segment]:
        """All segments of a project, or of all."""
        return [Segment(**row) for row in await self._catalog.rows("all_segments", {"project_id": project_id})]

    async def replace(self, segment_id: uuid.UUID, project_id: uuid.UUID, wanted: Written) -> Segment | None:
        """Write a segment anew; refuses as `create` does, and what would make it part of itself (`bad_segment`)."""
        found = await self._locked(project_id, wanted.name, segment_id)
        _check_named(segment_id, wanted.definition, found)
        rows = await self._catalog.rows(
            "replace_segment", {"id": segment_id, "project_id": project_id, **wanted.values()}
        )
        return Segment(**rows[0]) if rows else None

    async def remove(self, segment_id: uuid.UUID, project_id: uuid.UUID) -> bool:
        """Remove a segment with its timer; refuses one that others name (`conflict`)."""
        for other in await self._locked(project_id, "", segment_id):
            if segment_id in named(other.condition):
                raise Rejected(Refusal.CONFLICT, f"the segment {other.name!r} names it: change that one first")
        timer = {"timer": self._timers.name, "item": str(segment_id)}
        return bool(await self._catalog.rows("remove_segment", {"id": segment_id, "project_id": project_id, **timer}))

    async def seen(self, segment: Segment, size: int | None, at: datetime, generation: int) -> bool:
        """Note who was seen; False where somebody else did since, or it is another by now."""
        values = {"id": segment.id, "version": segment.version, "before": segment.generation}
        return bool(await self._catalog.rows("seen_segment", {**values, "size": size, "at": at, "after": generation}))

    async def timezone(self, project_id: uuid.UUID) -> str:
        """A project's timezone."""
        rows = await self._catalog.rows("project_zone", {"project_id": project_id})
        return str(rows[0]["timezone"]) if rows else "UTC"

    async def _locked(self, project_id: uuid.UUID, name: str, but: uuid.UUID | None) -> list[Segment]:
        """The project's other segments, which nobody changes until the transaction is over."""
        await self._catalog.rows("lock_project", {"project_id": project_id})
        found = [one for one in await self.all(project_id) if one.id != but]
        if any(one.name.lower() == name.lower() for one in found):
            raise Rejected(Refusal.CONFLICT, f"there is a segment {name!r}: take another name")
        return found


def known_of(segments: Iterable[Segment]) -> dict[uuid.UUID, Kept]:
    """Segments as questions know them."""
    return {one.id: Kept(one.name, one.version, one.condition) for one in segments}


def _check_named(segment_id: uuid.UUID, definition: Stored, others: Sequence[Segment]) -> None:
    """Refuse a definition that names what is not there, or that comes back to itself (`bad_segment`)."""
    names = {one.id: one.name for one in others}
    edges: Mapping[uuid.UUID, Sequence[uuid.UUID]] = {one.id: named(one.condition) for one in others}
    for wanted in named(definition):
        if wanted == segment_id:
            raise refused("`definition` names the segment itself: take that part out")
        if wanted not in names:
            raise refused(f"`definition` names the segment {wanted}, which the project does not have")
        if _reaches(wanted, segment_id, edges):
            raise refused(f"`definition` names {names[wanted]!r}, which is made of this segment: a circle; take it out")


def _reaches(start: uuid.UUID, goal: uuid.UUID, edges: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> bool:
    seen, ahead = {start}, [start]
    while ahead:
        for one in edges.get(ahead.pop(), ()):
            if one == goal:
                return True
            if one not in seen:
                seen.add(one)
                ahead.append(one)
    return False


async def tell(warehouse: Warehouse, segment: Segment) -> None:
    """Let questions know a segment as it is; raises UnavailableError."""
    kept = {"version": segment.version, "name": segment.name, "definition": segment.definition}
    which = {"project_id": segment.project_id, "segment_id": segment.id}
    await warehouse.insert_json_lines("segments", msgspec.json.encode({**which, **kept}))


async def tell_gone(warehouse: Warehouse, project_id: uuid.UUID, segment_id: uuid.UUID, version: int) -> None:
    """Let questions know that there is no such segment any more, after that version of it."""
    line = {"project_id": project_id, "segment_id": segment_id, "version": version + 1}
    await warehouse.insert_json_lines("segments", msgspec.json.encode({**line, "name": "", "definition": ""}))


async def keep_list(
    warehouse: Warehouse, project_id: uuid.UUID, segment_id: uuid.UUID, version: int, keys: Sequence[str]
) -> None:
    """Store who is on a list, before the segment says that this is its version."""
    line: dict[str, Any] = {"project_id": project_id, "segment_id": segment_id, "version": version}
    lines = msgspec.json.Encoder().encode_lines([{**line, "user_key": key} for key in keys])
    await warehouse.insert_json_lines("segment_lists", lines)

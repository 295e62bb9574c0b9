"""The data dictionary: which events and properties there are, by the warehouse, and what people say of them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from functions.quality_check.profiles import HERE
from functions.quality_check.registry import EventName
from shared.catalog.client import Queries, Row
from shared.clock import to_datetime
from shared.ids import uuid7
from shared.query.ask import Asker
from shared.query.json_types import json_types
from shared.query.parameters import Parameters
from shared.query.period import Period, zone_of
from shared.query.scope import read_sql, scope
from shared.query.zone import project_timezone
from shared.refusals import Refusal, Rejected

MOST_ENTRIES = 20_000
MOST_SHOWN = 1_000
_MOST_DAYS = 400

Text = Annotated[str, msgspec.Meta(max_length=4_000, pattern=r"^[^\u0000]*$")]
Owner = Annotated[str, msgspec.Meta(max_length=200, pattern=r"^[^\u0000]*$")]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^[^\u0000,]+$")]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=20)]
PropertyName = Annotated[str, msgspec.Meta(max_length=400, pattern=r"^[^\u0000]*$")]


class DictionaryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far back is looked, and of which event the properties are wanted: without one it is the events."""

    event: str = ""
    days: Annotated[int, msgspec.Meta(ge=1, le=_MOST_DAYS)] = 30
    hidden: bool = True


class EntryChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is said anew of an event, or of one of its properties; what is left out stays."""

    event: EventName
    property: PropertyName = ""
    description: Text | None = None
    owner: Owner | None = None
    tags: Tags | None = None
    hidden: bool | None = None


class DictionaryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What people say of an event (`property` is '') or one of its properties."""

    id: uuid.UUID
    event: str
    property: str
    description: str
    owner: str
    tags: list[str]
    hidden: bool
    updated_at: datetime


class DictionaryItem(msgspec.Struct, frozen=True, kw_only=True):
    """An event or property: how often it was sent within the range, when first and last, and what people say of it.

    `types` (of a property) are those of its values. `volume` is 0 for what is described or has a schema and was not
    sent. `schema` is the version of the event's schema, null without one.
    """

    name: str
    volume: int
    first_seen: datetime | None
    last_seen: datetime | None
    types: dict[str, int]
    description: str
    owner: str
    tags: list[str]
    hidden: bool
    schema: int | None


class DictionaryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The entries, those sent most often first; `complete` is false where there are more than a thousand."""

    event: str
    items: list[DictionaryItem]
    complete: bool
    range: dict[str, str]
    took_ms: float


class Dictionary:
    """The dictionary of one project."""

    def __init__(self, queries: Queries, project_id: uuid.UUID) -> None:
        self._queries = queries
        self._project_id = project_id

    async def listed(
        self, query: DictionaryQuery, asker: Asker, versions: Mapping[str, int], now: datetime
    ) -> DictionaryAnswer:
        """The events, or the properties of one; `versions` are those of the schemas. Raises as `Asker.ask` does."""
        period = _period(now, query.days)
        parameters = Parameters()
        events = [query.event] if query.event else []
        where = scope(self._project_id, period, parameters, events=events)
        name = "dictionary_properties" if query.event else "dictionary_events"
        sql = read_sql(HERE, name, scope=where, most=parameters.bind("UInt32", MOST_SHOWN + 1))
        rows = (await asker.ask(sql, parameters.values)).rows
        entries = {one.property or one.event: one for one in await self._entries(query.event)}
        seen = {row[0]: row for row in rows[:MOST_SHOWN]}
        names = [*seen, *sorted({*entries, *(() if query.event else versions)} - seen.keys())]
        known = {} if query.event else versions
        items = [_item(one, seen.get(one), entries.get(one), known.get(one)) for one in names]
        shown = [one for one in items if query.hidden or not one.hidden]
        return DictionaryAnswer(
            event=query.event,
            items=shown,
            complete=len(rows) <= MOST_SHOWN,
            range=period.echo(),
            took_ms=asker.took_ms,
        )

    async def find(self, event: str, name: str) -> DictionaryEntry | None:
        values = {"project_id": self._project_id, "event": event, "property": name}
        rows = await self._queries.rows("quality/find_entry", values)
        return DictionaryEntry(**rows[0]) if rows else None

    async def change(self, wanted: EntryChange) -> DictionaryEntry:
        """Say something anew. In a transaction. Refuses more than MOST_ENTRIES (`conflict`)."""
        await self._queries.rows("lock_project", {"project_id": self._project_id})
        before = await self.find(wanted.event, wanted.property)
        if before is None:
            [counted] = await self._queries.rows("quality/count_entries", {"project_id": self._project_id})
            if counted["entries"] >= MOST_ENTRIES:
                raise Rejected(Refusal.CONFLICT, f"the dictionary has {MOST_ENTRIES} entries, as many as it may")
        values: Row = {"id": before.id if before else uuid7(), "project_id": self._project_id}
        values |= {"event": wanted.event, "property": wanted.property}
        for name, nothing in (("description", ""), ("owner", ""), ("tags", []), ("hidden", False)):
            said: Any = getattr(wanted, name)
            values[name] = said if said is not None else getattr(before, name, nothing)
        [row] = await self._queries.rows("quality/keep_entry", values)
        return DictionaryEntry(**row)

    async def _entries(self, event: str) -> list[DictionaryEntry]:
        values = {"project_id": self._project_id, "event": event or None}
        return [DictionaryEntry(**row) for row in await self._queries.rows("quality/entries", values)]


def _period(now: datetime, days: int) -> Period:
    """So many days until now, and what is ahead of it."""
    end = now + timedelta(days=1)
    return Period(now.astimezone(UTC) - timedelta(days=days), end, zone_of(project_timezone.get()))


def _item(name: str, row: Sequence[Any] | None, said: DictionaryEntry | None, version: int | None) -> DictionaryItem:
    _, volume, first, last, *types = row if row is not None else (name, 0, None, None)
    return DictionaryItem(
        name=name,
        volume=int(volume),
        first_seen=None if first is None else to_datetime(int(first)),
        last_seen=None if last is None else to_datetime(int(last)),
        types=json_types(types[0]) if types else {},
        description=said.description if said else "",
        owner=said.owner if said else "",
        tags=said.tags if said else [],
        hidden=said.hidden if said else False,
        schema=version,
    )

"""The schemas of a project in the catalog: one for an event, with all its versions."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from functions.quality_check.compatibility import Compatibility, SchemaBreak, breaks
from shared.catalog.client import Catalog, Queries, Row
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.schemas import Compiled, Mode, checked

MOST_SCHEMAS = 500
MOST_VERSIONS = 1_000
Note = Annotated[str, msgspec.Meta(max_length=1_000, pattern=r"^[^\u0000]*$")]
EventName = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\u0000]*$")]


class SchemaVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a schema is to be. `compatibility` is what its next versions promise; this one keeps what it promises."""

    schema: msgspec.Raw
    compatibility: Compatibility | None = None
    note: Note = ""


class EventSchema(msgspec.Struct, frozen=True, kw_only=True):
    """The schema of an event as it is now."""

    id: uuid.UUID
    event: str
    compatibility: Compatibility
    version: int
    schema: str
    created_at: datetime
    updated_at: datetime

    @property
    def parsed(self) -> dict[str, Any]:
        return dict(msgspec.json.decode(self.schema))


class KeptVersion(msgspec.Struct, frozen=True):
    """A version of a schema."""

    version: int
    schema: msgspec.Raw
    note: str
    created_at: datetime


class QualitySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What becomes of an event that is not as its schema says, and whether the project's admins get mails.

    `observe`: it is stored, and the hourly check counts it; `warn`: the answer says so as well; `reject`: it is refused
    as `schema_mismatch`, kept among the refused events, and can be replayed.
    """

    mode: Mode = "observe"
    mail_admins: bool = False


class Registry:
    """Reads and writes schemas, in a catalog or a transaction; raises CatalogUnavailableError where it is away."""

    def __init__(self, queries: Queries, project_id: uuid.UUID) -> None:
        self._queries = queries
        self._project_id = project_id

    async def page(self, after: str | None, most: int, event: str | None = None) -> list[EventSchema]:
        """The schemas by the names of their events, those after a name."""
        return await self._listed(after=after, event=event, most=most)

    async def find(self, schema_id: uuid.UUID) -> EventSchema | None:
        found = await self._listed(schema_id=schema_id, most=1)
        return found[0] if found else None

    async def all(self) -> dict[str, Compiled]:
        """All of them by the names of their events, ready for use."""
        return {one.event: Compiled(one.schema) for one in await self._listed(most=MOST_SCHEMAS)}

    async def create(self, event: str, wanted: SchemaVersion) -> EventSchema:
        """A schema with its first version. In a transaction.

        Refuses one for an event that has one, more than MOST_SCHEMAS (`conflict`), and what is none (`bad_schema`).
        """
        schema = checked_text(wanted.schema)
        await self._queries.rows("lock_project", {"project_id": self._project_id})
        [counted] = await self._queries.rows("quality/count_schemas", {"project_id": self._project_id})
        if counted["schemas"] >= MOST_SCHEMAS:
            raise Rejected(Refusal.CONFLICT, f"the project has {MOST_SCHEMAS} schemas, as many as it may")
        values = {"id": uuid7(), "event": event, "compatibility": wanted.compatibility or "backward"}
        rows = await self._queries.rows("quality/create_schema", self._values(wanted, schema, **values))
        if not rows:
            raise Rejected(Refusal.CONFLICT, f"{event!r} has a schema already: write its next version with PUT")
        await self.look_again()
        return EventSchema(**rows[0])

    async def write(self, before: EventSchema, wanted: SchemaVersion) -> EventSchema:
        """The next version. In a transaction. Refuses what breaks the schema's promise (`schema_incompatible`)."""
        schema = checked_text(wanted.schema)
        refuse_breaks(before, msgspec.json.decode(schema))
        values = {"id": before.id, "before": before.version}
        values["compatibility"] = wanted.compatibility or before.compatibility
        rows = await self._queries.rows("quality/write_schema", self._values(wanted, schema, **values))
        if not rows:
            raise Rejected(Refusal.CONFLICT, f"version {before.version} is not the newest any more: look at it again")
        await self.look_again()
        return EventSchema(**rows[0])

    async def versions(self, schema_id: uuid.UUID) -> list[KeptVersion]:
        """The versions of a schema, the newest first."""
        values = {"id": schema_id, "project_id": self._project_id, "most": MOST_VERSIONS}
        rows = await self._queries.rows("quality/list_versions", values)
        return [KeptVersion(**{**row, "schema": msgspec.Raw(row["schema"].encode())}) for row in rows]

    async def remove(self, schema_id: uuid.UUID) -> None:
        """Remove a schema with its versions; harmless to repeat."""
        await self._queries.rows("quality/remove_schema", {"id": schema_id, "project_id": self._project_id})
        await self.look_again()

    async def settings(self) -> QualitySettings:
        rows = await self._queries.rows("quality/settings", {"project_id": self._project_id})
        return QualitySettings(mode=rows[0]["mode"], mail_admins=rows[0]["mail_admins"]) if rows else QualitySettings()

    async def keep_settings(self, wanted: QualitySettings) -> None:
        values = {"project_id": self._project_id, **msgspec.structs.asdict(wanted)}
        await self._queries.rows("quality/keep_settings", values)

    async def look_again(self) -> None:
        """Let the next check look at the last two days by the schemas as they are now."""
        await self._queries.rows("quality/forget_looks", {"project_id": self._project_id})

    async def _listed(self, **which: Any) -> list[EventSchema]:
        values: Row = {"project_id": self._project_id, "id": which.get("schema_id")}
        values |= {name: which.get(name) for name in ("event", "after", "most")}
        return [EventSchema(**row) for row in await self._queries.rows("quality/list_schemas", values)]

    def _values(self, wanted: SchemaVersion, schema: str, **more: Any) -> Row:
        return {"project_id": self._project_id, "schema": schema, "note": wanted.note, **more}


def checked_text(raw: msgspec.Raw) -> str:
    """A schema's text as it was sent; refuses what is none (`bad_schema`)."""
    checked(bytes(raw))
    return bytes(raw).decode()


def refuse_breaks(before: EventSchema, new: dict[str, Any]) -> None:
    """Refuse a version that breaks what the schema promises, saying what (`schema_incompatible`)."""
    found = breaks(before.parsed, new, before.compatibility)
    if found:
        raise Rejected(
            Refusal.SCHEMA_INCOMPATIBLE,
            f"it promises `{before.compatibility}`, and breaks {_said(found)}: change that, or the promise first",
            breaks=msgspec.to_builtins(found),
        )


def _said(found: list[SchemaBreak]) -> str:
    words = {
        "required": "is required in one version only",
        "closed": "is not taken by one version",
        "narrower": "has fewer values in one version",
        "unproven": "differs in a way that cannot be proven harmless",
    }
    parts = [f"`{one.breaks}` at {one.path or 'the whole'} ({words[one.change]})" for one in found[:5]]
    return ", ".join(parts) + (f" and {len(found) - 5} more" if len(found) > 5 else "")  # noqa: PLR2004 (the five shown)


def of_project(catalog: Catalog, project_id: uuid.UUID) -> Registry:
    """The schemas of a project."""
    return Registry(catalog, project_id)

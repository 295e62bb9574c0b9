"""Definitions: saved queries of a project, checked by the function that answers them before they are saved."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from functions.workspace import saved
from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Description, Listed, Name, PageQuery, Search, listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.refusals import Refusal, Rejected
from shared.saved_queries import Asked, Last, SavedKind
from shared.security.limits import refused
from shared.security.policy import Action

MOST_QUERY_BYTES = 64 * 1024
_TAG = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f\x7f]+$")]
Tags = Annotated[list[_TAG], msgspec.Meta(max_length=50)]


class DefinitionWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`query` is what POST /api/v1/query/{kind} takes; without `from` and `to` in it, it is of the `last` 30d."""

    kind: SavedKind
    name: Name
    query: dict[str, Any]
    last: Last = ""
    description: Description = ""
    tags: Tags = []

    @property
    def asked(self) -> Asked:
        return Asked(self.kind, self.query, self.last)


class Definition(msgspec.Struct, frozen=True):
    id: uuid.UUID
    project_id: uuid.UUID
    kind: SavedKind
    name: str
    description: str
    tags: list[str]
    query: dict[str, Any]
    last: str
    version: int
    created_by: uuid.UUID | None
    updated_by: uuid.UUID | None
    created_at: datetime
    updated_at: datetime


class DefinitionsQuery(PageQuery, frozen=True, kw_only=True):
    """`search` is a part of the name; `id` asks for one."""

    id: uuid.UUID | None = None
    kind: SavedKind | None = None
    tag: Search = ""
    search: Search = ""


async def list_all(call: Call) -> Reply:
    caller = await call.in_project(Action.DEFINITIONS_READ)
    limited(call, caller, writes=False)
    return json_reply(await _page(call, caller, call.query(DefinitionsQuery)))


async def resource(call: Call) -> Reply:
    """GET /get_resource/: the definition whose id is asked for, or a page of them."""
    caller = await call.in_project(Action.DEFINITIONS_READ)
    limited(call, caller, writes=False)
    query = call.query(DefinitionsQuery)
    if query.id is None:
        return json_reply(await _page(call, caller, query))
    return saved.answered(shown(await found(call.ports.catalog, caller, query.id)))


async def show(call: Call) -> Reply:
    caller = await call.in_project(Action.DEFINITIONS_READ)
    limited(call, caller, writes=False)
    return saved.answered(shown(await found(call.ports.catalog, caller, call.id("definition_id"))))


async def create(call: Call) -> Reply:
    """Save a query; the same Idempotency-Key saves it once."""
    caller = await call.in_project(Action.DEFINITIONS_WRITE)
    limited(call, caller, writes=True)
    wanted = await call.body(DefinitionWanted)
    await check_query(call, caller, wanted.asked)
    return await saved.create(call, caller, _KEPT, wanted)


async def replace(call: Call) -> Reply:
    caller = await call.in_project(Action.DEFINITIONS_WRITE)
    limited(call, caller, writes=True)
    wanted = await call.body(DefinitionWanted)
    return await _save(call, caller, wanted, "changed")


async def restore(call: Call) -> Reply:
    """Save an older version as the newest; it is checked anew."""
    caller = await call.in_project(Action.DEFINITIONS_WRITE)
    limited(call, caller, writes=True)
    definition = call.id("definition_id")
    await found(call.ports.catalog, caller, definition)
    return await _save(call, caller, await saved.restored(call, _KEPT, definition), "restored")


async def remove(call: Call) -> Reply:
    """Remove a definition; a dashboard that shows it says that it is gone."""
    caller = await call.in_project(Action.DEFINITIONS_WRITE)
    limited(call, caller, writes=True)
    return await saved.remove(call, caller, _KEPT, call.id("definition_id"))


async def versions(call: Call) -> Reply:
    caller = await call.in_project(Action.DEFINITIONS_READ)
    limited(call, caller, writes=False)
    return await saved.list_versions(call, caller, _KEPT, call.id("definition_id"))


async def check_query(call: Call, caller: Caller, asked: Asked) -> None:
    """Refuse a query that its function would refuse, or that is too large to keep."""
    if len(msgspec.json.encode(asked.query)) > MOST_QUERY_BYTES:
        raise Rejected(Refusal.BODY_TOO_LARGE, f"a query has at most {MOST_QUERY_BYTES:,} bytes")
    await call.ports.asking.check(asked, call.headers, caller.project_id)


async def by_ids(queries: Queries, project_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """Those of these definitions that are there, by id."""
    values = {"project_id": project_id, "ids": list(ids), "kind": "", "tag": "", "search": "", "after": None}
    return {row["id"]: row for row in await queries.rows("workspace/definitions", {**values, "most": len(ids)})}


async def found(queries: Queries, caller: Caller, definition: uuid.UUID) -> Row:
    """The definition of the caller's project; another project's is as unknown as none."""
    if caller.project_id is None:
        raise Rejected(Refusal.PROJECT_REQUIRED)
    rows = await by_ids(queries, caller.project_id, [definition])
    if definition not in rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no definition {definition} in this project")
    return rows[definition]


def shown(row: Row) -> Definition:
    """A definition as it is answered."""
    kept = {name: row[name] for name in Definition.__struct_fields__ if name != "query"}
    return Definition(**kept, query=msgspec.json.decode(row["query"]))


def limited(call: Call, caller: Caller, *, writes: bool) -> None:
    """Count a request; reads and writes have a limit each. Refuses what is beyond (RATE_LIMITED)."""
    rate = call.ports.writes if writes else call.ports.reads
    if rate is None:
        return
    what = "definition_writes" if writes else "definition_reads"
    taken = call.ports.meter.take(f"{what}:{caller.id}", rate)
    if not taken.allowed:
        raise refused(taken, what, f"one {caller.kind}")
    call.note(taken.headers())


async def _page(call: Call, caller: Caller, query: DefinitionsQuery) -> Listed[Definition]:
    values = {"project_id": caller.project_id, "ids": None if query.id is None else [query.id]}
    filters = {"kind": query.kind or "", "tag": query.tag, "search": query.search}
    page = {"after": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows("workspace/definitions", {**values, **filters, **page})
    return listed(rows, query.limit, shown)


async def _save(call: Call, caller: Caller, wanted: DefinitionWanted, verb: str) -> Reply:
    before = await found(call.ports.catalog, caller, call.id("definition_id"))
    saved.expected(call, before["version"])
    await check_query(call, caller, wanted.asked)
    return await saved.change(call, caller, _KEPT, before, wanted, verb=verb)


def _values(wanted: DefinitionWanted) -> dict[str, Any]:
    query = msgspec.json.encode(wanted.query).decode()
    tags = list(dict.fromkeys(wanted.tags))
    return {**msgspec.structs.asdict(wanted), "query": query, "tags": tags}


_KEPT = saved.Kept("definition", DefinitionWanted, found, shown, _values)

"""Dashboards: widgets that show saved queries or queries of their own, how they are laid out, and who may see them."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal

import msgspec

from functions.workspace import saved
from functions.workspace.call import Call, Caller
from functions.workspace.definitions import by_ids, check_query
from functions.workspace.shapes import Description, Listed, Name, PageQuery, Search, listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.refusals import Refusal, Rejected
from shared.saved_queries import InlineQuery, Widget, widgets_of
from shared.security.policy import Action

Access = Literal["private", "organisation_reads", "organisation"]
_MOST_WIDGETS = 50
_MOST_BYTES = 128 * 1024
_CHECKED_AT_ONCE = 4


class DashboardWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is saved; `layout` is the page's.

    `access`: `private` is its maker's (owners see it too), `organisation_reads` lets the others look, `organisation`
    lets editors change it.
    """

    name: Name
    description: Description = ""
    access: Access = "organisation"
    widgets: Annotated[list[Widget], msgspec.Meta(max_length=_MOST_WIDGETS)] = []
    layout: dict[str, Any] = {}


class Dashboard(msgspec.Struct, frozen=True):
    id: uuid.UUID
    project_id: uuid.UUID
    name: str
    description: str
    access: Access
    widgets: list[Widget]
    layout: dict[str, Any]
    version: int
    created_by: uuid.UUID | None
    updated_by: uuid.UUID | None
    created_at: datetime
    updated_at: datetime


class DashboardsQuery(PageQuery, frozen=True, kw_only=True):
    """`search` is a part of the name."""

    search: Search = ""


async def list_all(call: Call) -> Reply:
    caller = await call.in_project(Action.DASHBOARDS_READ)
    query = call.query(DashboardsQuery)
    rows = await _rows(call.ports.catalog, caller, after=query.cursor, search=query.search, most=query.limit + 1)
    page: Listed[Dashboard] = listed(rows, query.limit, _shown)
    return json_reply(page)


async def show(call: Call) -> Reply:
    caller = await call.in_project(Action.DASHBOARDS_READ)
    return saved.answered(_shown(await visible(call.ports.catalog, caller, call.id("dashboard_id"))))


async def create(call: Call) -> Reply:
    """Save a dashboard; the same Idempotency-Key saves it once."""
    caller = await call.in_project(Action.DASHBOARDS_WRITE)
    wanted = await call.body(DashboardWanted)
    if wanted.access == "private" and caller.user_id is None:
        raise Rejected(Refusal.BAD_REQUEST, "a key has no private dashboards: nobody would see it")
    await _check_widgets(call, caller, wanted, [])
    return await saved.create(call, caller, _KEPT, wanted)


async def replace(call: Call) -> Reply:
    caller = await call.in_project(Action.DASHBOARDS_WRITE)
    return await _save(call, caller, await call.body(DashboardWanted), "changed")


async def restore(call: Call) -> Reply:
    """Save an older version as the newest; who may see it stays as it is."""
    caller = await call.in_project(Action.DASHBOARDS_WRITE)
    dashboard = call.id("dashboard_id")
    before = await visible(call.ports.catalog, caller, dashboard)
    content: DashboardWanted = await saved.restored(call, _KEPT, dashboard)
    return await _save(call, caller, msgspec.structs.replace(content, access=before["access"]), "restored")


async def remove(call: Call) -> Reply:
    """Remove a dashboard; its shares end with it."""
    caller = await call.in_project(Action.DASHBOARDS_WRITE)
    return await saved.remove(call, caller, _KEPT, call.id("dashboard_id"), partial(check_editable, caller))


async def versions(call: Call) -> Reply:
    caller = await call.in_project(Action.DASHBOARDS_READ)
    return await saved.list_versions(call, caller, _KEPT, call.id("dashboard_id"))


async def visible(queries: Queries, caller: Caller, dashboard: uuid.UUID) -> Row:
    """The dashboard of the caller's project, if they may see it; else it is as unknown as none."""
    rows = await _rows(queries, caller, dashboard=dashboard)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no dashboard {dashboard} in this project")
    return rows[0]


def check_editable(caller: Caller, row: Row) -> None:
    """Raise Rejected (ROLE_MISSING) where a dashboard is not the caller's to change."""
    mine = caller.user_id is not None and row["created_by"] == caller.user_id
    if row["access"] != "organisation" and not mine and caller.role not in {"owner", "admin"}:
        raise Rejected(Refusal.ROLE_MISSING, "only its maker, owners and admins change this dashboard")


async def _save(call: Call, caller: Caller, wanted: DashboardWanted, verb: str) -> Reply:
    dashboard = call.id("dashboard_id")
    before = await visible(call.ports.catalog, caller, dashboard)
    check_editable(caller, before)
    mine = caller.user_id is not None and before["created_by"] == caller.user_id
    if wanted.access != before["access"] and not mine and caller.role not in {"owner", "admin"}:
        raise Rejected(Refusal.ROLE_MISSING, "only its maker, owners and admins change who may see a dashboard")
    saved.expected(call, before["version"])
    await _check_widgets(call, caller, wanted, widgets_of(before["widgets"]))
    return await saved.change(call, caller, _KEPT, before, wanted, verb=verb)


async def _check_widgets(call: Call, caller: Caller, wanted: DashboardWanted, before: Sequence[Widget]) -> None:
    """Refuse what cannot be shown; queries that were there before are not asked again."""
    size = len(msgspec.json.encode((wanted.widgets, wanted.layout)))
    if size > _MOST_BYTES:
        raise Rejected(
            Refusal.BODY_TOO_LARGE, f"widgets and layout are {size:,} bytes; at most {_MOST_BYTES:,} are kept"
        )
    if len({widget.id for widget in wanted.widgets}) < len(wanted.widgets):
        raise Rejected(Refusal.BAD_REQUEST, "two widgets have the same `id`")
    if both := [widget.id for widget in wanted.widgets if widget.definition_id and widget.inline]:
        raise Rejected(Refusal.BAD_REQUEST, f"the widget {both[0]} has a definition and a query of its own: give one")
    await _check_definitions(call, caller, wanted.widgets)
    known = [widget.inline for widget in before]
    inline = [widget.inline for widget in wanted.widgets if widget.inline and widget.inline not in known]
    slots = asyncio.Semaphore(_CHECKED_AT_ONCE)

    async def check(one: InlineQuery) -> None:
        async with slots:
            await check_query(call, caller, one.asked)

    await asyncio.gather(*map(check, inline))


async def _check_definitions(call: Call, caller: Caller, widgets: Sequence[Widget]) -> None:
    wanted = {widget.definition_id for widget in widgets if widget.definition_id}
    if wanted and caller.project_id is not None:
        known = await by_ids(call.ports.catalog, caller.project_id, list(wanted))
        if any(row["kind"] == "sql" for row in known.values()):
            raise Rejected(Refusal.BAD_REQUEST, "a statement in SQL stays on its page: no widget shows it")
        missing = wanted - set(known)
        if missing:
            raise Rejected(Refusal.NOT_FOUND, f"there is no definition {min(missing)} in this project")


async def _rows(
    queries: Queries,
    caller: Caller,
    *,
    dashboard: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    search: str = "",
    most: int = 1,
) -> list[Row]:
    who = {"reader": caller.user_id, "all_private": caller.role == "owner"}
    values = {"project_id": caller.project_id, "id": dashboard, "search": search, "after": after, "most": most}
    return await queries.rows("workspace/dashboards", {**values, **who})


def _shown(row: Row) -> Dashboard:
    kept = {name: row[name] for name in Dashboard.__struct_fields__ if name not in {"widgets", "layout"}}
    return Dashboard(**kept, widgets=widgets_of(row["widgets"]), layout=msgspec.json.decode(row["layout"]))


def _values(wanted: DashboardWanted) -> dict[str, Any]:
    texts = {name: msgspec.json.encode(getattr(wanted, name)).decode() for name in ("widgets", "layout")}
    return {"name": wanted.name, "description": wanted.description, "access": wanted.access, **texts}


_KEPT = saved.Kept("dashboard", DashboardWanted, visible, _shown, _values)

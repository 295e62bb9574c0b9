"""Projects and their settings.

A deleted project is hidden and its keys end at once; for a time it can be brought back.
"""

import re
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.keys import NewKey, insert
from functions.workspace.shapes import Listed, Name, PageQuery, listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.query.period import zone_of
from shared.refusals import Refusal, Rejected
from shared.security.keys import PUBLIC_SCOPES, Scope
from shared.security.policy import Action, require

IpMode = Literal["truncate", "keep", "drop"]
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?")
_SECRET_SCOPES: tuple[Scope, ...] = ("export", "ingest", "read")

Days = Annotated[int, msgspec.Meta(ge=1, le=36_500)]
# As the catalog has it for a project that is made without saying so.
NEW_PROJECT_DAYS = 365
Origins = Annotated[list[Annotated[str, msgspec.Meta(max_length=300)]], msgspec.Meta(max_length=100)]


class Project(msgspec.Struct, frozen=True):
    """A project. `retention_days` null keeps events for ever, `ip_mode` null is the instance's default.

    `allowed_origins` are the pages that may send with public keys and read the answers; none are all that the instance
    allows.
    """

    id: uuid.UUID
    organisation_id: uuid.UUID
    name: str
    timezone: str
    retention_days: int | None
    allowed_origins: list[str]
    ip_mode: IpMode | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class ProjectKeys(msgspec.Struct, frozen=True):
    """The first keys of a project."""

    write: NewKey
    secret: NewKey


class NewProject(Project, frozen=True):
    """A project just made; `keys` are shown this once, null where the request was a repeat of the one that made it."""

    keys: ProjectKeys | None


class ProjectWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`organisation_id` may be left out by who has one organisation in which they may make projects."""

    name: Name
    organisation_id: uuid.UUID | None = None
    timezone: str = "UTC"
    retention_days: Days | None = NEW_PROJECT_DAYS
    allowed_origins: Origins = []
    ip_mode: IpMode | None = None


class ProjectChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    timezone: str | msgspec.UnsetType = msgspec.UNSET
    retention_days: Days | msgspec.UnsetType | None = msgspec.UNSET
    allowed_origins: Origins | msgspec.UnsetType = msgspec.UNSET
    ip_mode: IpMode | msgspec.UnsetType | None = msgspec.UNSET


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name of what is to be deleted."""

    name: str


class ProjectsQuery(PageQuery, frozen=True, kw_only=True):
    organisation_id: uuid.UUID | None = None
    deleted: bool = False


async def list_mine(call: Call) -> Reply:
    """The projects open to whoever is signed in; a key's own."""
    caller = await call.anybody()
    query = call.query(ProjectsQuery)
    if caller.kind == "key":
        require(caller, Action.PROJECT_READ)
        rows = await call.ports.catalog.rows("workspace/project", {"project_id": caller.project_id})
    else:
        values = {"user_id": caller.id, "organisation_id": query.organisation_id, "deleted": query.deleted}
        page = {"after": query.cursor, "most": query.limit + 1}
        rows = await call.ports.catalog.rows("workspace/projects_of_user", {**values, **page})
    found: Listed[Project] = listed(rows, query.limit, _shown)
    return json_reply(found)


async def show(call: Call) -> Reply:
    caller = await call.in_project(Action.PROJECT_READ)
    [row] = await call.ports.catalog.rows("workspace/project", {"project_id": caller.project_id})
    return json_reply(_shown(row))


async def create(call: Call) -> Reply:
    """A new project with a public key that sends and a secret one that reads; the same Idempotency-Key makes one."""
    wanted = await call.body(ProjectWanted)
    caller = await call.in_organisation(Action.PROJECT_CREATE, wanted.organisation_id)
    if wanted.retention_days != NEW_PROJECT_DAYS:
        require(caller, Action.RETENTION_WRITE)
    settings = _checked(msgspec.structs.asdict(wanted))
    made = uuid7()
    async with call.ports.catalog.transaction() as transaction:
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return json_reply(_new(await _found(transaction, known), None), 201)
        values = {**settings, "id": made, "organisation_id": caller.organisation_id}
        [row] = await transaction.rows("workspace/create_project", values)
        owning = caller.within(caller.organisation_id, role=caller.role, project_id=made)
        keys = await _first_keys(transaction, owning)
        await owning.record(transaction, "project.created", f"project:{made}", after=_recorded(row))
    return json_reply(_new(row, keys), 201)


async def change(call: Call) -> Reply:
    """Change settings; functions go by them within five seconds, browsers' preflights within half a minute."""
    caller = await call.in_project(Action.PROJECT_WRITE)
    wanted = await call.body(ProjectChange)
    if wanted.retention_days is not msgspec.UNSET:
        require(caller, Action.RETENTION_WRITE)
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
    async with call.ports.catalog.transaction() as transaction:
        before = await _held(transaction, caller.project_id)
        values = _checked({**_recorded(before), **given})
        [row] = await transaction.rows("workspace/change_project", {**values, "project_id": caller.project_id})
        target = f"project:{caller.project_id}"
        await caller.record(transaction, "project.changed", target, _recorded(before), _recorded(row))
    return json_reply(_shown(row))


async def remove(call: Call) -> Reply:
    """Delete a project whose name is given: hidden, and its keys ended, at once; its events go when it is purged."""
    caller = await call.in_project(Action.PROJECT_DELETE)
    wanted = await call.body(Confirmation)
    async with call.ports.catalog.transaction() as transaction:
        before = await _held(transaction, caller.project_id)
        if wanted.name != before["name"]:
            raise Rejected(Refusal.CONFLICT, f"give the project's name, {before['name']!r}, as `name` to delete it")
        [row] = await transaction.rows("workspace/delete_project", {"project_id": caller.project_id})
        await caller.record(transaction, "project.deleted", f"project:{caller.project_id}", _recorded(before))
    return json_reply(_shown(row))


async def restore(call: Call) -> Reply:
    """Bring a deleted project back, without its keys."""
    caller = await call.in_project(Action.PROJECT_DELETE, deleted=True)
    async with call.ports.catalog.transaction() as transaction:
        rows = await transaction.rows("workspace/restore_project", {"project_id": caller.project_id})
        if not rows:
            raise Rejected(Refusal.CONFLICT, "it is not deleted")
        target = f"project:{caller.project_id}"
        await caller.record(transaction, "project.restored", target, after=_recorded(rows[0]))
    return json_reply(_shown(rows[0]))


def check_origins(origins: list[str]) -> list[str]:
    """The origins as they are kept; refuses what is none."""
    listed_once = list(dict.fromkeys(origin.strip().rstrip("/").lower() for origin in origins))
    if wrong := [origin for origin in listed_once if not _ORIGIN.fullmatch(origin)]:
        detail = f"`allowed_origins`: {wrong[0]!r} is none; write scheme://host[:port], https://*.shop.example or *"
        raise Rejected(Refusal.BAD_REQUEST, detail)
    return listed_once


async def _first_keys(transaction: Queries, caller: Caller) -> ProjectKeys:
    write, write_key = await insert(
        transaction, caller, uuid7(), kind="public", name="write key", scopes=list(PUBLIC_SCOPES)
    )
    secret, secret_key = await insert(
        transaction, caller, uuid7(), kind="secret", name="secret key", scopes=list(_SECRET_SCOPES)
    )
    return ProjectKeys(NewKey(**write, key=write_key), NewKey(**secret, key=secret_key))


async def _found(queries: Queries, project: uuid.UUID | None) -> Row:
    rows = await queries.rows("workspace/project", {"project_id": project})
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no project {project}")
    return rows[0]


async def _held(transaction: Queries, project: uuid.UUID | None) -> Row:
    rows = await transaction.rows("workspace/project_locked", {"project_id": project})
    if not rows or rows[0]["deleted_at"] is not None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no project {project}")
    return rows[0]


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    zone_of(settings["timezone"])
    return {**settings, "allowed_origins": check_origins(settings["allowed_origins"])}


def _fields(row: Row) -> Row:
    return {name: row[name] for name in Project.__struct_fields__}


def _shown(row: Row) -> Project:
    return Project(**_fields(row))


def _new(row: Row, keys: ProjectKeys | None) -> NewProject:
    return NewProject(**_fields(row), keys=keys)


def _recorded(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "timezone", "retention_days", "allowed_origins", "ip_mode")}

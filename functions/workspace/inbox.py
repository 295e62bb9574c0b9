"""The inbox: what happened to whoever is signed in and to their projects, and what of it they have read."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from functions.workspace.call import Call
from shared.catalog.client import Row
from shared.catalog.notices import numbers_of
from shared.http import Reply, json_reply
from shared.query.pages import DEFAULT_LIMIT, Limit

_ID = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]


class InboxQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`cursor` is the `next_cursor` of the page before; `unread` leaves out what was read."""

    limit: Limit = DEFAULT_LIMIT
    cursor: _ID | None = None
    unread: bool = False


class Notice(msgspec.Struct, frozen=True):
    """Something that happened: `kind` says what, `data` has a few facts of it. Without a project it is your own."""

    id: str
    project_id: uuid.UUID | None
    project: str | None
    kind: str
    data: dict[str, Any]
    read: bool
    created_at: datetime


class Inbox(msgspec.Struct, frozen=True):
    """A page, the newest first; `unread` counts all that is unread, to a hundred."""

    items: list[Notice]
    unread: int
    next_cursor: str | None


class ReadWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was read; all of it without `ids`."""

    ids: Annotated[list[_ID], msgspec.Meta(max_length=1_000)] | None = None


class Unread(msgspec.Struct, frozen=True):
    """How many are unread now, counted to a hundred."""

    unread: int


async def show(call: Call) -> Reply:
    caller = await call.user()
    query = call.query(InboxQuery)
    before = None if query.cursor is None else int(query.cursor)
    values = {"user_id": caller.id, "before": before, "unread": query.unread, "most": query.limit + 1}
    rows = await call.ports.catalog.rows("notices/list", values)
    page = [_shown(row) for row in rows[: query.limit]]
    cursor = page[-1].id if len(rows) > query.limit else None
    return json_reply(Inbox(page, await _unread(call, caller.id), cursor))


async def read(call: Call) -> Reply:
    """Note what was read; ids of notices that are not the caller's to read change nothing."""
    caller = await call.user()
    wanted = await call.body(ReadWanted, ReadWanted())
    seqs = None if wanted.ids is None else numbers_of(wanted.ids)
    await call.ports.catalog.rows("notices/read", {"user_id": caller.id, "seqs": seqs})
    return json_reply(Unread(await _unread(call, caller.id)))


async def _unread(call: Call, user_id: uuid.UUID) -> int:
    [row] = await call.ports.catalog.rows("notices/unread", {"user_id": user_id})
    return int(row["unread"])


def _shown(row: Row) -> Notice:
    return Notice(
        id=str(row["seq"]),
        project_id=row["project_id"],
        project=row["project"],
        kind=row["kind"],
        data=msgspec.json.decode(row["data"]),
        read=row["read"],
        created_at=row["created_at"],
    )

"""What definitions and dashboards have in common: versions, so that of two editors none overwrites the other.

A version is the `ETag`; a change names the version it changes as `If-Match`. Every version is kept and can be restored.
"""

import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.query.pages import DEFAULT_LIMIT, Limit
from shared.refusals import Refusal, Rejected

Saved = Literal["definition", "dashboard"]
_ETAG = re.compile(r'(?:W/)?"(\d{1,9})"')


class Version(msgspec.Struct, frozen=True):
    """What was saved, by whom (null: a key) and when; `content` as it could be saved again."""

    version: int
    content: Any
    saved_by: uuid.UUID | None
    saved_at: datetime


class VersionsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    limit: Limit = DEFAULT_LIMIT
    cursor: int | None = None


class Restoration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The version that is to be the newest again."""

    version: int


def answered(item: Any, status: int = 200) -> Reply:
    """An item with its version as the ETag."""
    reply = json_reply(item, status)
    reply.headers["etag"] = f'"{item.version}"'
    return reply


def expected(call: Call, now: int) -> int:
    """The version a request changes; refuses one that names none (VERSION_MISSING) or not the newest."""
    given = call.headers.get("if-match", "").strip()
    if given == "*":
        return now
    found = _ETAG.fullmatch(given)
    if found is None:
        raise Rejected(Refusal.VERSION_MISSING, f'the newest version is {now}: send If-Match: "{now}" to change that')
    if int(found[1]) != now:
        raise changed(now)
    return now


def changed(now: int) -> Rejected:
    """The refusal of a change to what is not the newest version any more."""
    return Rejected(Refusal.VERSION_CHANGED, f"the newest version is {now}", version=now)


class Kept(NamedTuple):
    """What is saved of one kind: how it is found and answered, what its row holds, and what the log keeps of it."""

    noun: Saved
    wanted: type[msgspec.Struct]
    found: Callable[[Queries, Caller, uuid.UUID], Awaitable[Row]]
    shown: Callable[[Row], Any]
    values: Callable[[Any], dict[str, Any]]

    def recorded(self, row: Row) -> dict[str, Any]:
        """A row as it was wanted."""
        item = self.shown(row)
        return {name: getattr(item, name) for name in self.wanted.__struct_fields__}


async def create(call: Call, caller: Caller, kept: Kept, wanted: msgspec.Struct) -> Reply:
    """Save something new; the same Idempotency-Key saves it once."""
    made = uuid7()
    async with call.ports.catalog.transaction() as transaction:
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return answered(kept.shown(await kept.found(transaction, caller, known)), 201)
        values = {**kept.values(wanted), "id": made, "project_id": caller.project_id, "by": caller.user_id}
        [row] = await transaction.rows(f"workspace/create_{kept.noun}", values)
        await _keep(transaction, kept, made, 1, wanted, by=caller.user_id)
        await caller.record(transaction, f"{kept.noun}.created", f"{kept.noun}:{made}", after=wanted)
    return answered(kept.shown(row), 201)


async def change(call: Call, caller: Caller, kept: Kept, before: Row, wanted: msgspec.Struct, *, verb: str) -> Reply:
    """Save the next version of what is `before`; refuses where the request does not name that version."""
    item, version = before["id"], expected(call, before["version"])
    async with call.ports.catalog.transaction() as transaction:
        values = {"id": item, "project_id": caller.project_id, "version": version, "by": caller.user_id}
        rows = await transaction.rows(f"workspace/change_{kept.noun}", {**kept.values(wanted), **values})
        if not rows:
            raise changed((await kept.found(transaction, caller, item))["version"])
        await _keep(transaction, kept, item, version + 1, wanted, by=caller.user_id)
        action, target = f"{kept.noun}.{verb}", f"{kept.noun}:{item}"
        await caller.record(transaction, action, target, kept.recorded(before), wanted)
    return answered(kept.shown(rows[0]))


async def remove(
    call: Call, caller: Caller, kept: Kept, item: uuid.UUID, check: Callable[[Row], None] = lambda _: None
) -> Reply:
    """Remove it, unless `check` refuses; the request names the newest version."""
    async with call.ports.catalog.transaction() as transaction:
        before = await kept.found(transaction, caller, item)
        check(before)
        values = {"id": item, "project_id": caller.project_id, "version": expected(call, before["version"])}
        if not await transaction.rows(f"workspace/remove_{kept.noun}", values):
            raise changed((await kept.found(transaction, caller, item))["version"])
        await caller.record(transaction, f"{kept.noun}.deleted", f"{kept.noun}:{item}", kept.recorded(before))
    return Reply(204)


async def list_versions(call: Call, caller: Caller, kept: Kept, item: uuid.UUID) -> Reply:
    """The versions of an item that the caller may see, the newest first."""
    query = call.query(VersionsQuery)
    await kept.found(call.ports.catalog, caller, item)
    values = {"id": item, "version": None, "before_version": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows(f"workspace/{kept.noun}_versions", values)
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return json_reply(Listed([_version(row) for row in page], str(page[-1]["version"]) if more else None))


async def restored(call: Call, kept: Kept, item: uuid.UUID) -> Any:
    """The version that is to be restored, as it was wanted."""
    wanted = await call.body(Restoration)
    values = {"id": item, "version": wanted.version, "before_version": None, "most": 1}
    rows = await call.ports.catalog.rows(f"workspace/{kept.noun}_versions", values)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no version {wanted.version}")
    return msgspec.convert(msgspec.json.decode(rows[0]["content"]), kept.wanted)


async def _keep(queries: Queries, kept: Kept, item: uuid.UUID, version: int, content: Any, *, by: object) -> None:
    """Keep what an item is at a version."""
    values = {"id": item, "version": version, "content": msgspec.json.encode(content).decode(), "by": by}
    await queries.rows(f"workspace/keep_{kept.noun}_version", values)


def _version(row: Row) -> Version:
    return Version(row["version"], msgspec.json.decode(row["content"]), row["saved_by"], row["saved_at"])

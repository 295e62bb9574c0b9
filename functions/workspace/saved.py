"""What definitions and dashboards have in common: versions, so that of two editors none overwrites the other.

A version is the `ETag`; a change names the version it changes as `If-Match`. Every version is kept and can be restored.
"""

import re
import uuid
from datetime import datetime
from typing import Any, Literal

import msgspec

from functions.workspace.call import Call
from functions.workspace.shapes import Listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
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


async def keep(queries: Queries, saved: Saved, item: uuid.UUID, version: int, content: Any, *, by: object) -> None:
    """Keep what an item is at a version."""
    values = {"id": item, "version": version, "content": msgspec.json.encode(content).decode(), "by": by}
    await queries.rows(f"workspace/keep_{saved}_version", values)


async def list_versions(call: Call, saved: Saved, item: uuid.UUID) -> Reply:
    """The versions of an item that the caller may see, the newest first."""
    query = call.query(VersionsQuery)
    values = {"id": item, "version": None, "before_version": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows(f"workspace/{saved}_versions", values)
    page = rows[: query.limit]
    more = len(rows) > query.limit
    return json_reply(Listed([_version(row) for row in page], str(page[-1]["version"]) if more else None))


async def restored(call: Call, saved: Saved, item: uuid.UUID) -> Any:
    """The content of the version that is to be restored."""
    wanted = await call.body(Restoration)
    values = {"id": item, "version": wanted.version, "before_version": None, "most": 1}
    rows = await call.ports.catalog.rows(f"workspace/{saved}_versions", values)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no version {wanted.version}")
    return msgspec.json.decode(rows[0]["content"])


def _version(row: Row) -> Version:
    return Version(row["version"], msgspec.json.decode(row["content"]), row["saved_by"], row["saved_at"])

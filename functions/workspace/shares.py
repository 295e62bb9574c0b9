"""Shares: a link that shows one dashboard, and lets exactly its queries be asked, to whoever has it.

Behind a share stands an API key of its own with the scope `read`, which nobody holds: the catalog keeps it sealed, for
when a widget is asked for. So a share is limited, revoked and seen to be used as any key is, and the query functions
need to know nothing of shares. Widgets that show whole events are left out.
"""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Annotated, Any

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.dashboards import check_editable, visible
from functions.workspace.definitions import by_ids
from functions.workspace.shapes import Listed, Name, PageQuery, listed
from shared.catalog.client import Queries, Row
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.edge.framing import framed_by
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.saved_queries import NAMES_PEOPLE, Asked, SavedKind, Widget, ranged, widgets_of
from shared.security.keys import hash_key, new_key, shown_prefix
from shared.security.policy import Action, require_grantable
from shared.security.sealing import SealedError, Sealer

_PREFIX = "shr_"
_SHOWN = 8


class Share(msgspec.Struct, frozen=True):
    """A share; `prefix` is how its token begins."""

    id: uuid.UUID
    project_id: uuid.UUID
    dashboard_id: uuid.UUID
    name: str
    prefix: str
    embeddable: bool
    created_by: uuid.UUID | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewShare(Share, frozen=True):
    """A share just made: `token` and `link` are shown this once; null where the request was a repeat."""

    token: str | None
    link: str | None


class ShareWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`embeddable` lets other sites show the page in a frame: those the project allows, any where it names none.

    `expires_at` needs an offset, null is never.
    """

    dashboard_id: uuid.UUID
    name: Name = "share"
    embeddable: bool = False
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class SharesQuery(PageQuery, frozen=True, kw_only=True):
    dashboard_id: uuid.UUID | None = None


class SharedWidget(msgspec.Struct, frozen=True):
    """A widget with its query; `kind` is null for a text, and where `gone`: its definition was removed."""

    id: str
    title: str
    text: str
    chart: str
    options: dict[str, Any]
    kind: SavedKind | None
    query: dict[str, Any] | None
    last: str
    gone: bool


class SharedDashboard(msgspec.Struct, frozen=True):
    """What a share shows."""

    name: str
    description: str
    widgets: list[SharedWidget]
    layout: dict[str, Any]
    timezone: str
    embeddable: bool
    expires_at: datetime | None
    updated_at: datetime


async def list_all(call: Call) -> Reply:
    caller = await call.in_project(Action.SHARES_READ)
    query = call.query(SharesQuery)
    rows = await _rows(
        call.ports.catalog, caller, None, dashboard=query.dashboard_id, after=query.cursor, most=query.limit + 1
    )
    page: Listed[Share] = listed(rows, query.limit, lambda row: Share(**row))
    return json_reply(page)


async def show(call: Call) -> Reply:
    caller = await call.in_project(Action.SHARES_READ)
    return json_reply(Share(**await _found(call.ports.catalog, caller, call.id("share_id"))))


async def create(call: Call) -> Reply:
    """Share a dashboard the caller may change; the same Idempotency-Key makes one share."""
    caller = await call.in_project(Action.SHARES_WRITE)
    require_grantable(caller, ["read"])
    wanted = await call.body(ShareWanted)
    if wanted.expires_at is not None and wanted.expires_at <= to_datetime(SYSTEM_CLOCK.micros()):
        raise Rejected(Refusal.BAD_REQUEST, "`expires_at` is over already")
    made, token = uuid7(), _PREFIX + secrets.token_urlsafe(32)
    async with call.ports.catalog.transaction() as transaction:
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return json_reply(NewShare(**await _found(transaction, caller, known), token=None, link=None), 201)
        check_editable(caller, await visible(transaction, caller, wanted.dashboard_id))
        row = await _insert(transaction, call.ports.sealer, caller, wanted, made=made, token=token)
        await caller.record(transaction, "share.created", f"share:{made}", after=wanted)
    link = f"{call.ports.settings.public_url.rstrip('/')}/app/shared/{token}"
    return json_reply(NewShare(**row, last_used_at=None, token=token, link=link), 201)


async def revoke(call: Call) -> Reply:
    """End a share; what it showed is refused within five seconds."""
    caller = await call.in_project(Action.SHARES_WRITE)
    async with call.ports.catalog.transaction() as transaction:
        before = await _found(transaction, caller, call.id("share_id"))
        values = {"id": before["id"], "project_id": caller.project_id}
        [row] = await transaction.rows("workspace/revoke_share", values)
        if before["revoked_at"] is None:
            recorded = {name: before[name] for name in ("name", "dashboard_id", "prefix")}
            await caller.record(transaction, "share.revoked", f"share:{before['id']}", recorded)
    return json_reply(Share(**row, last_used_at=before["last_used_at"]))


async def look(call: Call) -> Reply:
    """The dashboard behind a token; needs nothing else."""
    row = await _opened(call)
    widgets = [await _shared(call, row, widget) for widget in widgets_of(row["widgets"])]
    shown = SharedDashboard(
        name=row["dashboard_name"],
        description=row["description"],
        widgets=[widget for widget in widgets if widget.kind not in NAMES_PEOPLE],
        layout=msgspec.json.decode(row["layout"]),
        timezone=row["timezone"],
        embeddable=row["embeddable"],
        expires_at=row["expires_at"],
        updated_at=row["updated_at"],
    )
    reply = json_reply(shown)
    framed = framed_by(row, to_datetime(SYSTEM_CLOCK.micros()))
    reply.headers["content-security-policy"] = f"default-src 'none'; {framed}"
    return reply


async def ask(call: Call) -> Reply:
    """What a widget of the shared dashboard shows now: its query as it was saved, and nothing the visitor chooses."""
    row = await _opened(call)
    wanted = call.name("widget_id")
    found = [widget for widget in widgets_of(row["widgets"]) if widget.id == wanted]
    asked = await _asked(call, row, found[0]) if found else None
    if asked is None or asked.kind in NAMES_PEOPLE:
        raise Rejected(Refusal.NOT_FOUND, f"the dashboard has no widget {wanted[:80]!r} that can be asked")
    headers = {"x-api-key": _key_behind(call.ports.sealer, row), "traceparent": call.traceparent}
    return await call.ports.asking.ask(asked.kind, ranged(asked, row["timezone"]), headers)


async def _insert(
    transaction: Queries, sealer: Sealer, caller: Caller, wanted: ShareWanted, *, made: uuid.UUID, token: str
) -> Row:
    """The share and the key behind it."""
    key = new_key("secret")
    values = {"id": made, "project_id": caller.project_id, "expires_at": wanted.expires_at, "name": wanted.name}
    shown = {"dashboard_id": wanted.dashboard_id, "embeddable": wanted.embeddable, "by": caller.user_id}
    named = {"token_hash": _hash(token), "prefix": token[:_SHOWN]}
    sealed = {"sealed_key": sealer.seal(key.encode(), _place(made))}
    [row] = await transaction.rows("workspace/create_share", {**values, **shown, **named, **sealed})
    behind = {"kind": "secret", "prefix": shown_prefix(key), "key_hash": hash_key(key), "scopes": ["read"]}
    more = {"created_by": caller.user_id, "rotated_from": None, "share_id": made}
    await transaction.rows("workspace/create_key", {**values, **behind, **more, "id": uuid7()})
    return row


def _key_behind(sealer: Sealer, row: Row) -> str:
    """The API key of a share; refuses (GONE) where its secret is gone, or it is from before keys were sealed."""
    try:
        return sealer.open(bytes(row["sealed_key"] or b""), _place(row["id"])).decode()
    except SealedError as error:
        detail = "the share was made with a secret this instance has no more; share it anew"
        raise Rejected(Refusal.GONE, detail) from error


def _place(share: uuid.UUID) -> str:
    return f"share {share}"


async def _opened(call: Call) -> Row:
    """What the token in the path shows; refuses one that is unknown (NOT_FOUND) or over (GONE)."""
    rows = await call.ports.catalog.rows("workspace/share_by_token", {"token_hash": _hash(call.name("token"))})
    if not rows or rows[0]["deleted_at"] is not None:
        raise Rejected(Refusal.NOT_FOUND, "there is no such share")
    row = rows[0]
    if row["revoked_at"] is not None:
        raise Rejected(Refusal.GONE, "whoever shared this has ended it")
    if row["expires_at"] is not None and row["expires_at"] <= to_datetime(SYSTEM_CLOCK.micros()):
        raise Rejected(Refusal.GONE, f"this share ended at {row['expires_at'].isoformat()}")
    return row


async def _asked(call: Call, row: Row, widget: Widget) -> Asked | None:
    """The query of a widget, None where it has none or its definition is gone."""
    if widget.inline is not None:
        return widget.inline.asked
    if widget.definition_id is None:
        return None
    found = (await by_ids(call.ports.catalog, row["project_id"], [widget.definition_id])).get(widget.definition_id)
    return None if found is None else Asked(found["kind"], msgspec.json.decode(found["query"]), found["last"])


async def _shared(call: Call, row: Row, widget: Widget) -> SharedWidget:
    asked = await _asked(call, row, widget)
    return SharedWidget(
        id=widget.id,
        title=widget.title,
        text=widget.text,
        chart=widget.chart,
        options=widget.options,
        kind=None if asked is None else asked.kind,
        query=None if asked is None else dict(asked.query),
        last="" if asked is None else asked.last,
        gone=asked is None and widget.definition_id is not None,
    )


async def _rows(
    queries: Queries,
    caller: Caller,
    share: uuid.UUID | None,
    *,
    dashboard: uuid.UUID | None = None,
    after: uuid.UUID | None = None,
    most: int = 1,
) -> list[Row]:
    values = {"project_id": caller.project_id, "id": share, "dashboard_id": dashboard, "after": after, "most": most}
    return await queries.rows("workspace/shares", values)


async def _found(queries: Queries, caller: Caller, share: uuid.UUID) -> Row:
    rows = await _rows(queries, caller, share)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no share {share} in this project")
    return rows[0]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()

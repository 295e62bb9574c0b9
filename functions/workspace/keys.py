"""API keys of a project. A key is shown once, when it is made; nobody gives one more than they may do themselves."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed, Name, PageQuery, listed
from shared.catalog.client import Queries, Row
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.security.keys import PUBLIC_SCOPES, Kind, Scope, hash_key, new_key, shown_prefix
from shared.security.policy import Action, require_grantable

_MOST_KEYS = 1_000


class ApiKey(msgspec.Struct, frozen=True):
    """A key; `prefix` is how it begins. `rotated_from` is the key it takes the place of."""

    id: uuid.UUID
    project_id: uuid.UUID
    kind: Kind
    name: str
    prefix: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    created_by: uuid.UUID | None
    rotated_from: uuid.UUID | None


class NewKey(ApiKey, frozen=True):
    """A key just made: `key` is shown this once; null where the request was a repeat of the one that made it."""

    key: str | None


class KeyWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`kind` public only sends events; secret keys have scopes. `expires_at` needs an offset; null is never."""

    name: Name
    kind: Kind = "secret"
    scopes: Annotated[list[Scope], msgspec.Meta(max_length=4)] = []
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class KeyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: Name | msgspec.UnsetType = msgspec.UNSET
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | msgspec.UnsetType | None = msgspec.UNSET


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """For how many hours the old key is taken beside the new one; 0 ends it at once."""

    overlap_hours: Annotated[int, msgspec.Meta(ge=0, le=24 * 90)] = 24


async def list_all(call: Call) -> Reply:
    caller = await call.in_project(Action.KEYS_READ)
    query = call.query(PageQuery)
    values = {"project_id": caller.project_id, "id": None, "after": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows("workspace/keys", values)
    page: Listed[ApiKey] = listed(rows, query.limit, lambda row: ApiKey(**row))
    return json_reply(page)


async def show(call: Call) -> Reply:
    caller = await call.in_project(Action.KEYS_READ)
    return json_reply(ApiKey(**await _found(call.ports.catalog, "keys", caller, call.id("key_id"))))


async def create(call: Call) -> Reply:
    """A new key; the same Idempotency-Key makes one, whose text only the first answer has."""
    caller = await call.in_project(Action.KEYS_WRITE)
    wanted = await call.body(KeyWanted)
    scopes = _scopes(wanted)
    require_grantable(caller, scopes)
    _check_future(wanted.expires_at)
    made = uuid7()
    async with call.ports.catalog.transaction() as transaction:
        await transaction.rows("workspace/project_locked", {"project_id": caller.project_id})
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return json_reply(_new(await _found(transaction, "keys", caller, known), None), 201)
        await _check_room(transaction, caller)
        row, clear = await insert(
            transaction,
            caller,
            made,
            kind=wanted.kind,
            name=wanted.name,
            scopes=scopes,
            expires_at=wanted.expires_at,
        )
        await caller.record(transaction, "api_key.created", f"api_key:{made}", after=_recorded(row))
    return json_reply(_new(row, clear), 201)


async def change(call: Call) -> Reply:
    """Another name or another end; what has ended stays ended."""
    caller = await call.in_project(Action.KEYS_WRITE)
    wanted = await call.body(KeyChange)
    async with call.ports.catalog.transaction() as transaction:
        before = await _usable(transaction, caller, call.id("key_id"))
        require_grantable(caller, before["scopes"])
        name = before["name"] if wanted.name is msgspec.UNSET else wanted.name
        expires_at = before["expires_at"]
        if wanted.expires_at is not msgspec.UNSET:
            _check_future(wanted.expires_at)
            expires_at = wanted.expires_at
        values = {"project_id": caller.project_id, "id": before["id"], "name": name, "expires_at": expires_at}
        [row] = await transaction.rows("workspace/change_key", values)
        target = f"api_key:{row['id']}"
        await caller.record(transaction, "api_key.changed", target, _recorded(before), _recorded(row))
    return json_reply(ApiKey(**row))


async def rotate(call: Call) -> Reply:
    """A new key with the old one's name and scopes, both taken for `overlap_hours`."""
    caller = await call.in_project(Action.KEYS_WRITE)
    wanted = await call.body(Rotation, Rotation())
    made = uuid7()
    async with call.ports.catalog.transaction() as transaction:
        old = await _found(transaction, "key_locked", caller, call.id("key_id"))
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return json_reply(_new(await _found(transaction, "keys", caller, known), None), 201)
        old = await _usable(transaction, caller, old["id"])
        require_grantable(caller, old["scopes"])
        same = {name: old[name] for name in ("kind", "name", "scopes", "expires_at")}
        row, clear = await insert(transaction, caller, made, **same, rotated_from=old["id"])
        await _end(transaction, caller, old, wanted.overlap_hours)
        after = {**_recorded(row), "overlap_hours": wanted.overlap_hours}
        await caller.record(transaction, "api_key.rotated", f"api_key:{old['id']}", _recorded(old), after)
    return json_reply(_new(row, clear), 201)


async def revoke(call: Call) -> Reply:
    """End a key; it is refused within five seconds, for good."""
    caller = await call.in_project(Action.KEYS_WRITE)
    async with call.ports.catalog.transaction() as transaction:
        before = await _found(transaction, "key_locked", caller, call.id("key_id"))
        values = {"project_id": caller.project_id, "id": before["id"]}
        [row] = await transaction.rows("workspace/revoke_key", values)
        if before["revoked_at"] is None:
            await caller.record(transaction, "api_key.revoked", f"api_key:{row['id']}", _recorded(before))
    return json_reply(ApiKey(**row))


async def insert(
    transaction: Queries,
    caller: Caller,
    made: uuid.UUID,
    *,
    kind: Kind,
    name: str,
    scopes: list[Scope],
    expires_at: datetime | None = None,
    rotated_from: uuid.UUID | None = None,
) -> tuple[Row, str]:
    """A new key of the caller's project: its row, and the key itself, which is kept nowhere."""
    clear = new_key(kind)
    values = {
        "id": made,
        "project_id": caller.project_id,
        "kind": kind,
        "name": name,
        "prefix": shown_prefix(clear),
        "key_hash": hash_key(clear),
        "scopes": scopes,
        "expires_at": expires_at,
        "created_by": caller.user_id,
        "rotated_from": rotated_from,
        "share_id": None,
    }
    [row] = await transaction.rows("workspace/create_key", values)
    return row, clear


def _scopes(wanted: KeyWanted) -> list[Scope]:
    if wanted.kind == "public":
        if set(wanted.scopes) - set(PUBLIC_SCOPES):
            raise Rejected(Refusal.BAD_REQUEST, "a public key only sends events: make a secret key for other scopes")
        return list(PUBLIC_SCOPES)
    if not wanted.scopes:
        raise Rejected(Refusal.BAD_REQUEST, "`scopes`: name at least one of ingest, read, export, admin")
    return sorted(set(wanted.scopes))


def _check_future(moment: datetime | None) -> None:
    if moment is not None and moment <= to_datetime(SYSTEM_CLOCK.micros()):
        raise Rejected(Refusal.BAD_REQUEST, "`expires_at` is over already; to end a key at once, revoke it")


async def _check_room(transaction: Queries, caller: Caller) -> None:
    values = {"project_id": caller.project_id, "id": None, "after": None, "most": _MOST_KEYS}
    if len(await transaction.rows("workspace/keys", values)) >= _MOST_KEYS:
        raise Rejected(Refusal.CONFLICT, f"a project has at most {_MOST_KEYS:,} keys, ended ones too")


async def _end(transaction: Queries, caller: Caller, old: Row, hours: int) -> None:
    """Let a key end when the overlap is over, if it does not end before."""
    values = {"project_id": caller.project_id, "id": old["id"]}
    if not hours:
        await transaction.rows("workspace/revoke_key", values)
        return
    end = to_datetime(SYSTEM_CLOCK.micros()) + timedelta(hours=hours)
    ends = min(filter(None, (old["expires_at"], end)))
    await transaction.rows("workspace/change_key", {**values, "name": old["name"], "expires_at": ends})


async def _found(queries: Queries, query: str, caller: Caller, key_id: uuid.UUID) -> Row:
    values = {"project_id": caller.project_id, "id": key_id, "after": None, "most": 1}
    rows = await queries.rows(f"workspace/{query}", values)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no key {key_id} in this project")
    return rows[0]


async def _usable(transaction: Queries, caller: Caller, key_id: uuid.UUID) -> Row:
    row = await _found(transaction, "key_locked", caller, key_id)
    now = to_datetime(SYSTEM_CLOCK.micros())
    if row["revoked_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now):
        raise Rejected(Refusal.CONFLICT, "the key has ended; make a new one")
    return row


def _new(row: Row, clear: str | None) -> NewKey:
    return NewKey(**row, key=clear)


def _recorded(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "kind", "prefix", "scopes", "expires_at")}

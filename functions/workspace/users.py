"""The people an administrator is responsible for: the members of the organisations in which they are owner or admin."""

import uuid
from datetime import datetime

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.members import check_grant, keep_an_owner
from functions.workspace.shapes import Listed, PageQuery, Search, listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.refusals import Refusal, Rejected
from shared.security import sessions
from shared.security.policy import Role, may_grant


class Membership(msgspec.Struct, frozen=True):
    organisation_id: uuid.UUID
    role: Role


class User(msgspec.Struct, frozen=True):
    """A person; `memberships` are those in organisations of the asker's. Blocked: they cannot sign in any more.

    `sessions` are those that hold; `last_sign_in_at` is null for who never signed in. `manageable` says whether the
    asker may block them, sign them out and end their second factor.
    """

    id: uuid.UUID
    email: str
    name: str
    created_at: datetime
    blocked: bool
    blocked_at: datetime | None
    last_sign_in_at: datetime | None
    sessions: int
    second_factor: bool
    manageable: bool
    memberships: list[Membership]


class SessionsEnded(msgspec.Struct, frozen=True):
    """How many sessions ended."""

    ended: int


class UsersQuery(PageQuery, frozen=True, kw_only=True):
    """`search` is a part of an address or a name."""

    search: Search = ""
    organisation_id: uuid.UUID | None = None


class UserChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`role` is the one in `organisation_id`."""

    blocked: bool | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    organisation_id: uuid.UUID | None = None


async def list_all(call: Call) -> Reply:
    caller = await call.user()
    query = call.query(UsersQuery)
    await _check_administers(call, caller, query.organisation_id)
    values = {"organisation_id": query.organisation_id, "search": query.search, "id": None}
    page = {"after": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows("workspace/users", {"administrator": caller.id, **values, **page})
    found: Listed[User] = listed(rows, query.limit, lambda row: _shown(row, caller))
    return json_reply(found)


async def show(call: Call) -> Reply:
    caller = await call.user()
    return json_reply(_shown(await _found(call.ports.catalog, caller, call.id("user_id")), caller))


async def change(call: Call) -> Reply:
    """Block somebody or let them in again, or give them a role."""
    caller = await call.user()
    wanted = await call.body(UserChange)
    user = call.id("user_id")
    if (wanted.role is msgspec.UNSET) != (wanted.organisation_id is None):
        raise Rejected(Refusal.BAD_REQUEST, "`role` and `organisation_id` go together")
    async with call.ports.catalog.transaction() as transaction:
        found = await _found(transaction, caller, user)
        shared = await transaction.rows("workspace/roles_of_both", {"user_id": user, "other_id": caller.id})
        if wanted.role is not msgspec.UNSET:
            await _set_role(transaction, caller, found, shared, wanted)
        if wanted.blocked is not msgspec.UNSET:
            await _block(transaction, caller, found, shared, blocked=wanted.blocked)
    return json_reply(_shown(await _found(call.ports.catalog, caller, user), caller))


async def end_sessions(call: Call) -> Reply:
    """Sign somebody out everywhere; what their sessions did is refused within five seconds."""
    caller = await call.user()
    async with call.ports.catalog.transaction() as transaction:
        found, shared = await _held(transaction, caller, call.id("user_id"))
        ended = await sessions.revoke(transaction, found["id"], None, "revoked")
        if ended:
            await _record(transaction, caller, found, shared, "session.ended", sessions=len(ended))
    return json_reply(SessionsEnded(len(ended)))


async def reset_second_factor(call: Call) -> Reply:
    """End the second factor of somebody who lost it: the password alone signs them in until they set up another.

    Their sessions end with it, on the lost device too. Refuses (CONFLICT) where there is none.
    """
    caller = await call.user()
    async with call.ports.catalog.transaction() as transaction:
        found, shared = await _held(transaction, caller, call.id("user_id"))
        if not found["second_factor"]:
            raise Rejected(Refusal.CONFLICT, f"{found['email']} has no second factor")
        await transaction.rows("auth/remove_totp", {"user_id": found["id"]})
        await sessions.revoke(transaction, found["id"], None, "revoked")
        await _record(transaction, caller, found, shared, "second_factor.reset")
    return json_reply(_shown(await _found(call.ports.catalog, caller, found["id"]), caller))


async def _held(transaction: Queries, caller: Caller, user: uuid.UUID) -> tuple[Row, list[Row]]:
    """Somebody else, with their organisations; refuses who may not take every role they hold."""
    found = await _found(transaction, caller, user)
    shared = await transaction.rows("workspace/roles_of_both", {"user_id": user, "other_id": caller.id})
    _check_responsible(caller, found, shared)
    return found, shared


def _check_responsible(caller: Caller, user: Row, shared: list[Row]) -> None:
    """What is done to an account is done in all its organisations; nobody does it to themselves here."""
    if user["id"] == caller.id:
        raise Rejected(Refusal.CONFLICT, "this is for other people's accounts; yours is at /api/v1/auth")
    for row in shared:
        if not _may_take(row["other_role"], row["role"]):
            detail = (
                f"{user['email']} belongs to an organisation in which you may not take their role; remove them here"
            )
            raise Rejected(Refusal.ROLE_MISSING, detail)


async def _record(transaction: Queries, caller: Caller, user: Row, shared: list[Row], action: str, **more: int) -> None:
    """Put it into the log of each organisation it is about."""
    for row in shared:
        held = caller.within(row["organisation_id"], role=row["other_role"])
        await held.record(transaction, action, f"user:{user['id']}", {"email": user["email"], **more})


async def _set_role(transaction: Queries, caller: Caller, user: Row, shared: list[Row], wanted: UserChange) -> None:
    both = next((row for row in shared if row["organisation_id"] == wanted.organisation_id), None)
    if both is None or both["other_role"] is None or wanted.role is msgspec.UNSET:
        raise Rejected(Refusal.NOT_FOUND, f"there is no member {user['id']} in {wanted.organisation_id}")
    held = caller.within(both["organisation_id"], role=both["other_role"])
    for role in (both["role"], wanted.role):
        check_grant(held, role)
    if wanted.role != "owner":
        await keep_an_owner(transaction, both["organisation_id"], user["id"], both["role"])
    values = {"organisation_id": both["organisation_id"], "user_id": user["id"], "role": wanted.role}
    await transaction.rows("workspace/set_role", values)
    before = {"role": both["role"], "email": user["email"]}
    await held.record(transaction, "member.role_changed", f"user:{user['id']}", before, {"role": wanted.role})


async def _block(transaction: Queries, caller: Caller, user: Row, shared: list[Row], *, blocked: bool) -> None:
    """Blocking ends every way in, so only who may take all of somebody's roles may do it; nobody blocks themselves."""
    _check_responsible(caller, user, shared)
    for row in shared:
        if blocked:
            await keep_an_owner(transaction, row["organisation_id"], user["id"], row["role"])
    await transaction.rows("workspace/set_blocked", {"user_id": user["id"], "blocked": blocked})
    await _record(transaction, caller, user, shared, "user.blocked" if blocked else "user.unblocked")


async def _check_administers(call: Call, caller: Caller, organisation: uuid.UUID | None) -> None:
    """Raise Rejected (ROLE_MISSING) for who administers nothing, or not this one."""
    values = {"user_id": caller.id, "after": None, "most": 1_000}
    rows = await call.ports.catalog.rows("workspace/organisations_of_user", values)
    administered = {row["id"] for row in rows if row["role"] in {"owner", "admin"}}
    if not administered or (organisation is not None and organisation not in administered):
        raise Rejected(Refusal.ROLE_MISSING, "users are for owners and admins of an organisation")


async def _found(queries: Queries, caller: Caller, user: uuid.UUID) -> Row:
    values = {"administrator": caller.id, "organisation_id": None, "search": "", "id": user, "after": None, "most": 1}
    rows = await queries.rows("workspace/users", values)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no user {user} in an organisation you administer")
    return rows[0]


def _shown(row: Row, caller: Caller) -> User:
    memberships = [Membership(uuid.UUID(one.split()[0]), one.split()[1]) for one in row["memberships"]]
    holdings = [tuple(one.split(" ")) for one in row["holdings"]]
    manageable = row["id"] != caller.id and all(_may_take(mine, theirs) for theirs, mine in holdings)
    made = {"blocked", "memberships", "manageable"}
    kept = {name: row[name] for name in User.__struct_fields__ if name not in made}
    return User(**kept, blocked=row["blocked_at"] is not None, manageable=manageable, memberships=memberships)


def _may_take(mine: Role | None, theirs: Role) -> bool:
    """Whether a role of mine (none where I am no member) is enough for what is done to who holds theirs."""
    return may_grant(mine, theirs) if mine else False

"""Members of an organisation and their roles.

Every change of members holds the organisation's row, so that of two owners who leave at once one stays.
"""

import uuid
from datetime import datetime

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed, PageQuery, RoleWanted, listed
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action, Role, may_grant, require


class Member(msgspec.Struct, frozen=True):
    user_id: uuid.UUID
    email: str
    name: str
    role: Role
    joined_at: datetime


async def list_all(call: Call) -> Reply:
    await call.in_organisation(Action.MEMBERS_READ)
    query = call.query(PageQuery)
    rows = await _members(call.ports.catalog, call.id("organisation_id"), after=query.cursor, most=query.limit + 1)
    page: Listed[Member] = listed(rows, query.limit, lambda row: Member(**row), "user_id")
    return json_reply(page)


async def change(call: Call) -> Reply:
    """Give a member another role: owners any, admins any but owner, to any but owners."""
    caller = await call.in_organisation(Action.MEMBERS_WRITE)
    wanted = await call.body(RoleWanted)
    organisation, user = call.id("organisation_id"), call.id("user_id")
    async with call.ports.catalog.transaction() as transaction:
        held, now = await hold(call, transaction, caller, user)
        require(held, Action.MEMBERS_WRITE)
        for role in (now["role"], wanted.role):
            check_grant(held, role)
        if wanted.role != "owner":
            await keep_an_owner(transaction, organisation, user, now["role"])
        values = {"organisation_id": organisation, "user_id": user, "role": wanted.role}
        await transaction.rows("workspace/set_role", values)
        before = {"role": now["role"], "email": now["email"]}
        await held.record(transaction, "member.role_changed", f"user:{user}", before, wanted)
    [row] = await _members(call.ports.catalog, organisation, user)
    return json_reply(Member(**row))


async def remove(call: Call) -> Reply:
    """Take a member out, or leave: everybody may leave but the last owner."""
    caller = await call.in_organisation(Action.MEMBERS_READ)
    organisation, user = call.id("organisation_id"), call.id("user_id")
    async with call.ports.catalog.transaction() as transaction:
        held, now = await hold(call, transaction, caller, user)
        if user != held.id:
            require(held, Action.MEMBERS_WRITE)
            check_grant(held, now["role"])
        await keep_an_owner(transaction, organisation, user, now["role"])
        await transaction.rows("workspace/remove_member", {"organisation_id": organisation, "user_id": user})
        action = "member.left" if user == held.id else "member.removed"
        await held.record(transaction, action, f"user:{user}", {"role": now["role"], "email": now["email"]})
    return Reply(204)


async def hold(call: Call, transaction: Queries, caller: Caller, user: uuid.UUID) -> tuple[Caller, Row]:
    """The caller with the role they have once nobody else changes it, and the member meant; refuses who is none."""
    organisation = call.id("organisation_id")
    await transaction.rows("workspace/organisation_locked", {"organisation_id": organisation})
    mine = await transaction.rows(
        "workspace/role_in_organisation", {"organisation_id": organisation, "user_id": caller.id}
    )
    found = await _members(transaction, organisation, user)
    if not mine or not found:
        raise Rejected(Refusal.NOT_FOUND, f"{user if mine else caller.id} is no member of this organisation")
    return caller.within(organisation, role=mine[0]["role"]), found[0]


def check_grant(caller: Caller, role: Role) -> None:
    """Raise Rejected (ROLE_MISSING) unless the caller may give and take this role."""
    if caller.role is None or not may_grant(caller.role, role):
        raise Rejected(Refusal.ROLE_MISSING, f"only an owner gives or takes the role {role}; yours is {caller.role}")


async def keep_an_owner(transaction: Queries, organisation: uuid.UUID, user: uuid.UUID, role: Role) -> None:
    """Raise Rejected (LAST_OWNER) where the organisation would have no owner without this one."""
    if role != "owner":
        return
    values = {"organisation_id": organisation, "user_id": user}
    if not (await transaction.rows("workspace/other_owners", values))[0]["owners"]:
        raise Rejected(Refusal.LAST_OWNER, "make somebody else an owner first")


async def _members(
    queries: Queries,
    organisation: uuid.UUID,
    user: uuid.UUID | None = None,
    *,
    after: uuid.UUID | None = None,
    most: int = 1,
) -> list[Row]:
    values = {"organisation_id": organisation, "user_id": user, "after": after, "most": most}
    return await queries.rows("workspace/members", values)

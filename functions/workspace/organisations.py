"""Organisations: who signs in is in some, and whoever makes one is its owner."""

import uuid
from datetime import datetime

import msgspec

from functions.workspace.call import Call, Caller
from functions.workspace.shapes import Listed, Name, PageQuery, listed
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.security.policy import Action, Role


class Organisation(msgspec.Struct, frozen=True):
    """An organisation, and the asker's role in it."""

    id: uuid.UUID
    name: str
    role: Role
    created_at: datetime


class OrganisationWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name


async def list_mine(call: Call) -> Reply:
    """The organisations of whoever is signed in."""
    caller = await call.user()
    query = call.query(PageQuery)
    values = {"user_id": caller.id, "after": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows("workspace/organisations_of_user", values)
    page: Listed[Organisation] = listed(rows, query.limit, lambda row: Organisation(**row))
    return json_reply(page)


async def create(call: Call) -> Reply:
    """A new organisation with the asker as its owner; the same Idempotency-Key gives the same one."""
    caller = await call.user()
    wanted = await call.body(OrganisationWanted)
    made = uuid7()
    async with call.ports.catalog.transaction() as transaction:
        known = await call.made_before(transaction, caller, made)
        if known is None:
            await transaction.rows("create_organisation", {"id": made, "name": wanted.name})
            owner = {"organisation_id": made, "user_id": caller.id, "role": "owner"}
            await transaction.rows("workspace/add_member", owner)
            creator = caller.within(made, role="owner")
            await creator.record(transaction, "organisation.created", f"organisation:{made}", after=wanted)
    return json_reply(await _shown(call, caller, known or made), 201)


async def show(call: Call) -> Reply:
    caller = await call.in_organisation(Action.ORGANISATION_READ)
    return json_reply(await _shown(call, caller, call.id("organisation_id")))


async def rename(call: Call) -> Reply:
    caller = await call.in_organisation(Action.ORGANISATION_WRITE)
    wanted = await call.body(OrganisationWanted)
    organisation = call.id("organisation_id")
    async with call.ports.catalog.transaction() as transaction:
        [before] = await transaction.rows("workspace/organisation_locked", {"organisation_id": organisation})
        values = {"organisation_id": organisation, "name": wanted.name}
        await transaction.rows("workspace/rename_organisation", values)
        target = f"organisation:{organisation}"
        await caller.record(transaction, "organisation.renamed", target, {"name": before["name"]}, wanted)
    return json_reply(await _shown(call, caller, organisation))


async def remove(call: Call) -> Reply:
    """End an organisation that has no project any more; its audit log stays."""
    caller = await call.in_organisation(Action.ORGANISATION_DELETE)
    organisation = call.id("organisation_id")
    async with call.ports.catalog.transaction() as transaction:
        found = await transaction.rows("workspace/organisation_locked", {"organisation_id": organisation})
        if not await transaction.rows("workspace/remove_organisation", {"organisation_id": organisation}):
            detail = "it has projects; delete them first: what was deleted lately counts until its events are gone"
            raise Rejected(Refusal.CONFLICT, detail)
        target = f"organisation:{organisation}"
        await caller.record(transaction, "organisation.deleted", target, {"name": found[0]["name"]})
    return Reply(204)


async def _shown(call: Call, caller: Caller, organisation: uuid.UUID) -> Organisation:
    rows = await call.ports.catalog.rows("workspace/organisation", {"organisation_id": organisation})
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no organisation {organisation}")
    role = await call.role_in(caller.id, organisation)
    return Organisation(**rows[0], role=role or "viewer")

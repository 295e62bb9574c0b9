"""Invitations into an organisation: mailed, used once, by whoever has the address."""

import secrets
import uuid
from datetime import datetime
from typing import Annotated

import msgspec
import structlog

from functions.workspace.call import Call, Caller
from functions.workspace.members import check_grant
from functions.workspace.shapes import Email, Listed, PageQuery, Token, listed, normalised
from shared.bus import BusUnavailableError
from shared.catalog.client import Queries, Row
from shared.http import Reply, json_reply
from shared.ids import uuid7
from shared.notifications import Language, Notification, notify
from shared.refusals import Refusal, Rejected
from shared.security.invitations import join, open_invitation, state_of
from shared.security.policy import Action, Role
from shared.security.sessions import digest

log = structlog.get_logger()

# Behind the #, so that no server's log and no Referer has it.
_PAGE = "/app/invitation#token="
_PREFIX = "sli_"


class Invitation(msgspec.Struct, frozen=True):
    """An invitation; `state` says what became of it."""

    id: uuid.UUID
    email: str
    role: Role
    language: Language
    state: str
    invited_by: uuid.UUID | None
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    accepted_by: uuid.UUID | None
    revoked_at: datetime | None


class SentInvitation(Invitation, frozen=True):
    """An invitation just sent. `link` is shown this once; not `mailed`: no mail could be asked for, pass it on."""

    link: str | None
    mailed: bool


class InvitationWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`hours` is how long it can be accepted."""

    email: Email
    role: Role = "viewer"
    language: Language = "en"
    hours: Annotated[int, msgspec.Meta(ge=1, le=24 * 30)] = 24 * 7


class Renewal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    hours: Annotated[int, msgspec.Meta(ge=1, le=24 * 30)] = 24 * 7


class TokenGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: Token


class Offer(msgspec.Struct, frozen=True):
    """What an invitation offers, to whoever has its token."""

    organisation: str
    email: str
    role: Role
    expires_at: datetime


class Accepted(msgspec.Struct, frozen=True):
    organisation_id: uuid.UUID
    role: Role


async def list_all(call: Call) -> Reply:
    await call.in_organisation(Action.MEMBERS_WRITE)
    query = call.query(PageQuery)
    organisation = call.id("organisation_id")
    values = {"organisation_id": organisation, "id": None, "after": query.cursor, "most": query.limit + 1}
    rows = await call.ports.catalog.rows("workspace/invitations", values)
    page: Listed[Invitation] = listed(rows, query.limit, _shown)
    return json_reply(page)


async def create(call: Call) -> Reply:
    """Invite an address and mail it a link; refuses a member's address and one that is invited (CONFLICT)."""
    caller = await call.in_organisation(Action.MEMBERS_WRITE)
    wanted = await call.body(InvitationWanted)
    check_grant(caller, wanted.role)
    organisation, email, made, token = call.id("organisation_id"), normalised(wanted.email), uuid7(), _new_token()
    async with call.ports.catalog.transaction() as transaction:
        found = await transaction.rows("workspace/organisation_locked", {"organisation_id": organisation})
        known = await call.made_before(transaction, caller, made)
        if known is not None:
            return json_reply(_sent(await _found(transaction, organisation, known), None, mailed=True), 201)
        values = {"organisation_id": organisation, "email": email}
        if await transaction.rows("workspace/member_by_email", values):
            raise Rejected(Refusal.CONFLICT, f"{email} is a member already")
        await transaction.rows("workspace/revoke_invitations_of_email", values)
        more = {"role": wanted.role, "language": wanted.language, "hours": wanted.hours, "invited_by": caller.user_id}
        rows = await transaction.rows(
            "workspace/create_invitation", {**values, **more, "id": made, "token_hash": digest(token)}
        )
        if not rows:
            raise Rejected(Refusal.CONFLICT, f"{email} is invited already; send that invitation again")
        after = {"email": email, "role": wanted.role}
        await caller.record(transaction, "invitation.created", f"invitation:{made}", after=after)
    return json_reply(await _mailed(call, caller, rows[0], found[0]["name"], token), 201)


async def resend(call: Call) -> Reply:
    """Mail a new link and let the old one end."""
    caller = await call.in_organisation(Action.MEMBERS_WRITE)
    wanted = await call.body(Renewal, Renewal())
    organisation, invitation, token = call.id("organisation_id"), call.id("invitation_id"), _new_token()
    async with call.ports.catalog.transaction() as transaction:
        before = await _found(transaction, organisation, invitation)
        check_grant(caller, before["role"])
        values = {"organisation_id": organisation, "id": invitation, "token_hash": digest(token), "hours": wanted.hours}
        rows = await transaction.rows("workspace/renew_invitation", values)
        if not rows:
            raise Rejected(Refusal.CONFLICT, f"it is {state_of(before)}; invite the address anew")
        [named] = await transaction.rows("workspace/organisation", {"organisation_id": organisation})
        after = {"email": before["email"], "role": before["role"]}
        await caller.record(transaction, "invitation.sent_again", f"invitation:{invitation}", after=after)
    return json_reply(await _mailed(call, caller, rows[0], named["name"], token))


async def revoke(call: Call) -> Reply:
    caller = await call.in_organisation(Action.MEMBERS_WRITE)
    organisation, invitation = call.id("organisation_id"), call.id("invitation_id")
    async with call.ports.catalog.transaction() as transaction:
        before = await _found(transaction, organisation, invitation)
        check_grant(caller, before["role"])
        values = {"organisation_id": organisation, "id": invitation}
        rows = await transaction.rows("workspace/revoke_invitation", values)
        if not rows:
            raise Rejected(Refusal.CONFLICT, f"it is {state_of(before)} already")
        recorded = {"email": before["email"], "role": before["role"]}
        await caller.record(transaction, "invitation.revoked", f"invitation:{invitation}", recorded)
    return json_reply(_shown(rows[0]))


async def show(call: Call) -> Reply:
    """What an invitation offers; needs its token and nothing else, so that who has no account can see it."""
    wanted = await call.body(TokenGiven)
    row = await open_invitation(call.ports.catalog, wanted.token)
    return json_reply(Offer(row["organisation_name"], row["email"], row["role"], row["expires_at"]))


async def accept(call: Call) -> Reply:
    """Become a member. The account must have the invited address: a link that was passed on opens nothing."""
    caller = await call.user()
    wanted = await call.body(TokenGiven)
    async with call.ports.catalog.transaction() as transaction:
        joined = await join(transaction, wanted.token, caller.id, caller.email)
        member = caller.within(joined.organisation_id, role=joined.role)
        after = {"email": normalised(caller.email), "role": joined.role, "invitation": joined.invitation_id}
        await member.record(transaction, "member.joined", f"user:{caller.id}", after=after)
    return json_reply(Accepted(joined.organisation_id, joined.role))


async def _mailed(call: Call, caller: Caller, row: Row, organisation: str, token: str) -> SentInvitation:
    """Ask for the mail; while the bus is away the link in the answer has to do."""
    link = call.ports.settings.public_url.rstrip("/") + _PAGE + token
    hours = round((row["expires_at"] - row["sent_at"]).total_seconds() / 3_600)
    values = {"inviter": caller.email, "organisation": organisation, "role": row["role"], "expires_hours": hours}
    asked = Notification(
        key=f"invitation:{row['id']}:{row['sent_at'].isoformat()}",
        project_id=None,
        template="invitation",
        values={**values, "link": link},
        language=row["language"],
        emails=[row["email"]],
    )
    try:
        await notify(call.ports.bus, asked, call.traceparent)
    except BusUnavailableError as error:
        log.warning("invitation not mailed", invitation=str(row["id"]), cause=repr(error))
        return _sent(row, link, mailed=False)
    return _sent(row, link, mailed=True)


async def _found(queries: Queries, organisation: uuid.UUID, invitation: uuid.UUID) -> Row:
    values = {"organisation_id": organisation, "id": invitation, "after": None, "most": 1}
    rows = await queries.rows("workspace/invitations", values)
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, f"there is no invitation {invitation} in this organisation")
    return rows[0]


def _fields(row: Row) -> Row:
    kept = {name: row[name] for name in Invitation.__struct_fields__ if name != "state"}
    return {**kept, "state": state_of(row)}


def _shown(row: Row) -> Invitation:
    return Invitation(**_fields(row))


def _sent(row: Row, link: str | None, *, mailed: bool) -> SentInvitation:
    return SentInvitation(**_fields(row), link=link, mailed=mailed)


def _new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(32)

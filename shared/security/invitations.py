"""Invitations as they are used up: by whoever has the mailed token, and an account with the invited address."""

import uuid
from typing import NamedTuple

from shared.catalog.client import Queries, Row
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.refusals import Refusal, Rejected
from shared.security.policy import Role
from shared.security.sessions import digest


class Joined(NamedTuple):
    """What somebody became a member of: the role is the one they had, where they were one already."""

    invitation_id: uuid.UUID
    organisation_id: uuid.UUID
    role: Role


async def invitation_of(queries: Queries, token: str) -> Row:
    """The invitation behind a token, whatever became of it; refuses one that is not there (NOT_FOUND)."""
    rows = await queries.rows("workspace/invitation_by_token", {"token_hash": digest(token)})
    if not rows:
        raise Rejected(Refusal.NOT_FOUND, "there is no such invitation; a newer mail may hold a newer link")
    return rows[0]


async def open_invitation(queries: Queries, token: str, email: str = "") -> Row:
    """The same where it can be accepted, by the account with this address if one is named.

    Refuses one that is used up, revoked or over (GONE), and another's (WRONG_ACCOUNT): a link that was passed on opens
    nothing.
    """
    row = await invitation_of(queries, token)
    state = state_of(row)
    if state != "open":
        raise Rejected(Refusal.GONE, f"the invitation is {state}: ask for a new one")
    if email and email.strip().lower() != row["email"]:
        detail = "it is for another address than your account's: sign in, or register, with the invited one"
        raise Rejected(Refusal.WRONG_ACCOUNT, detail)
    return row


async def join(queries: Queries, token: str, user_id: uuid.UUID, email: str) -> Joined:
    """Make a user a member, once; in a transaction, which holds the organisation from here on. Refuses as above."""
    row = await invitation_of(queries, token)
    organisation: uuid.UUID = row["organisation_id"]
    await queries.rows("workspace/organisation_locked", {"organisation_id": organisation})
    await open_invitation(queries, token, email)
    if not await queries.rows("workspace/accept_invitation", {"token_hash": digest(token), "user_id": user_id}):
        raise Rejected(Refusal.GONE, "the invitation is over")
    member = {"organisation_id": organisation, "user_id": user_id, "role": row["role"]}
    added = await queries.rows("workspace/add_member", member)
    if not added:
        added = await queries.rows("workspace/role_in_organisation", member)
    return Joined(row["id"], organisation, added[0]["role"])


def state_of(row: Row) -> str:
    """`open`, or what became of an invitation: accepted, revoked, expired."""
    if row["accepted_at"] is not None:
        return "accepted"
    if row["revoked_at"] is not None:
        return "revoked"
    return "open" if row["expires_at"] > to_datetime(SYSTEM_CLOCK.micros()) else "expired"

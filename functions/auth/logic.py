"""Accounts: made, signed in to, with a password that is changed or set anew.

Nothing here says whether an address has an account: the same work is done and the same is answered.
"""

import uuid
from typing import Any, NamedTuple

import structlog

from functions.auth.asking import Call, User
from functions.auth.mailing import MailRequest, request_mail
from functions.auth.models import Credentials, Registration
from functions.auth.recording import recorded
from functions.auth.second_factor import check_code
from shared.catalog.client import Queries, Row
from shared.clock import to_datetime
from shared.ids import uuid7
from shared.notifications import Notification, notify
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security import sessions
from shared.security.actor import Actor
from shared.security.invitations import join, open_invitation
from shared.security.sessions import Grant, Kind, Method

log = structlog.get_logger()


class _TakenError(Exception):
    """The address has an account: nothing is made."""


class NewUser(NamedTuple):
    """An account to be made; without a hash it signs in by a provider only.

    With the token of an `invitation` it joins that organisation; nothing says yet that the address is its user's, for
    whoever invited has the token, too.
    """

    email: str
    name: str
    organisation: str
    password_hash: str | None
    verified: bool = False
    invitation: str = ""


async def register(call: Call, asked: Registration) -> list[str]:
    """Make an account, with an organisation of its own or in the one it is invited to; the password's weaknesses.

    The same for an address that has an account, of which nothing changes: an invitation stays open then, for who signs
    in. Raises Rejected (WEAK_PASSWORD, RATE_LIMITED, ROLE_MISSING where accounts are for invited people; of an
    invitation NOT_FOUND, GONE, WRONG_ACCOUNT).
    """
    ports = call.ports
    await ports.throttle.attempt(f"register:{asked.email}", call.address)
    about = [asked.email, asked.name, asked.organisation, "sluice"]
    warnings = await ports.passwords.accept(asked.password, about)
    if asked.invitation:
        if asked.organisation:
            raise Rejected(Refusal.BAD_REQUEST, "who accepts an invitation joins its organisation: leave yours out")
        await open_invitation(ports.catalog, asked.invitation, asked.email)
    else:
        await require_invitation(call, asked.email)
    hashed = await ports.passwords.hash(asked.password)
    organisation = asked.organisation or asked.name or asked.email.partition("@")[0]
    new = NewUser(asked.email, asked.name, organisation, hashed, invitation=asked.invitation)
    await add_user(call, new)
    wanted = MailRequest(asked.email, "email_verification", call.language)
    await request_mail(ports, wanted, call.asked.traceparent)
    return warnings


async def require_invitation(call: Call, email: str) -> None:
    """Raise Rejected where accounts are for invited people and this address has no invitation."""
    if call.ports.settings.registration == "open":
        return
    if not await call.ports.catalog.rows("auth/open_invitation", {"email": email}):
        raise Rejected(
            Refusal.ROLE_MISSING, "accounts here are for invited people: ask an administrator for an invitation"
        )


async def add_user(call: Call, new: NewUser) -> uuid.UUID | None:
    """The new user, with an organisation; None for an address that has an account, after the same work."""
    user_id = uuid7()
    actor = Actor(kind="user", id=user_id, email=new.email)
    try:
        async with call.ports.catalog.transaction() as transaction:
            values = {
                "id": user_id,
                "email": new.email,
                "name": new.name,
                "language": call.language,
                "password_hash": new.password_hash,
                "verified": new.verified,
            }
            if not await transaction.rows("auth/add_user", values):
                raise _TakenError  # noqa: TRY301 (it undoes the transaction)
            after = await _placed(transaction, user_id, new)
            await recorded(transaction, call, actor, "user.registered", after=after)
            if new.invitation:
                await recorded(transaction, call, actor, "member.joined", after=after)
    except _TakenError:
        return None
    return user_id


async def _placed(transaction: Queries, user_id: uuid.UUID, new: NewUser) -> dict[str, Any]:
    """Where a new user is a member: in the organisation they are invited to, or in a new one of their own."""
    if new.invitation:
        joined = await join(transaction, new.invitation, user_id, new.email)
        return {"email": new.email, "role": joined.role, "invitation": str(joined.invitation_id)}
    organisation_id = uuid7()
    await transaction.rows("create_organisation", {"id": organisation_id, "name": new.organisation})
    member = {"organisation_id": organisation_id, "user_id": user_id, "role": "owner"}
    await transaction.rows("workspace/add_member", member)
    return {"email": new.email, "role": "owner"}


async def login(call: Call, asked: Credentials) -> Grant:
    """Sign in with a password, and the second factor where there is one.

    Raises Rejected (BAD_CREDENTIALS; then SECOND_FACTOR_REQUIRED, BAD_CODE, ACCOUNT_BLOCKED, which only the right
    password brings to light; RATE_LIMITED), UnavailableError where the cache or the catalog is away.
    """
    ports = call.ports
    await ports.throttle.attempt(asked.email, call.address)
    rows = await ports.catalog.rows("auth/find_user_by_email", {"email": asked.email})
    user = rows[0] if rows else None
    verdict = await ports.passwords.verify(asked.password, user["password_hash"] if user else None)
    if user is None or not verdict.right:
        raise Rejected(Refusal.BAD_CREDENTIALS)
    if user["blocked_at"] is not None:
        raise Rejected(Refusal.ACCOUNT_BLOCKED)
    method: Method = "password" if user["totp_confirmed_at"] is None else await check_code(ports, user, asked.code)
    if verdict.upgraded:
        kept = {"user_id": user["id"], "password_hash": verdict.upgraded, "instead_of": user["password_hash"]}
        await ports.catalog.rows("auth/set_password", {**kept, "verified": False})
    await ports.throttle.succeeded(asked.email, call.address)
    return await sign_in(call, user, asked.client, method)


async def sign_in(call: Call, user: Row, kind: Kind, method: Method) -> Grant:
    """A session for a user who has shown who they are; they hear of it where it is from a new address."""
    async with call.ports.catalog.transaction() as transaction:
        grant = await sessions.start(
            transaction, user["id"], kind, method, address=call.address, user_agent=call.user_agent
        )
        actor = Actor(kind="user", id=user["id"], email=user["email"], session_id=grant.session_id)
        target = f"session:{grant.session_id}"
        await recorded(transaction, call, actor, "session.started", target, after={"method": method})
    await _tell_of_new_address(call, user, grant)
    return grant


async def end_sessions(
    call: Call, user: User, ids: list[uuid.UUID] | None, because: sessions.Because, *, but: uuid.UUID | None = None
) -> int:
    """End sessions of a user, those of `ids` or all; how many that were."""
    async with call.ports.catalog.transaction() as transaction:
        ended = await sessions.revoke(transaction, user.id, ids, because, but=but)
        if ended:
            await recorded(transaction, call, user.actor, "session.ended", after={"sessions": [*map(str, ended)]})
    return len(ended)


async def change_profile(call: Call, user: User, name: str | None, language: str | None) -> User:
    """Set the name and the language of mails, where given; the user as they are now."""
    values = {"user_id": user.id, "name": name, "language": language}
    async with call.ports.catalog.transaction() as transaction:
        [row] = await transaction.rows("auth/change_profile", values)
        changed = {field: row[field] for field in ("name", "language") if row[field] != user.row[field]}
        if changed:
            await recorded(transaction, call, user.actor, "user.changed", after=changed)
    return user._replace(row={**user.row, **row})


async def change_password(call: Call, user: User, current: str, new: str) -> tuple[list[str], int]:
    """Set another password; what is weak about it, and how many other sessions ended.

    Raises Rejected (BAD_CREDENTIALS, WEAK_PASSWORD, RATE_LIMITED).
    """
    ports = call.ports
    await require_password(call, user, current)
    warnings = await ports.passwords.accept(new, [user.email, user.row["name"], "sluice"])
    hashed = await ports.passwords.hash(new)
    async with ports.catalog.transaction() as transaction:
        await _set_password(transaction, user.id, hashed, verified=False)
        ended = await sessions.revoke(transaction, user.id, None, "password", but=user.session_id)
        await recorded(transaction, call, user.actor, "password.changed")
    return warnings, len(ended)


async def require_password(call: Call, user: User, password: str) -> None:
    """Raise Rejected (BAD_CREDENTIALS, RATE_LIMITED) unless it is the user's: a stolen token alone changes nothing."""
    await call.ports.throttle.attempt(user.email, call.address)
    if not (await call.ports.passwords.verify(password, user.row["password_hash"])).right:
        raise Rejected(Refusal.BAD_CREDENTIALS, "the present password is wrong")


async def reset_password(call: Call, clear: str, new: str) -> tuple[list[str], int]:
    """Set a password by a mailed token, which works once; every session ends.

    Raises Rejected (BAD_LINK for a token that is unknown, used or over; WEAK_PASSWORD, which leaves it usable).
    """
    ports = call.ports
    await ports.throttle.attempt("reset", call.address)
    asked = {"token_hash": sessions.digest(clear), "purpose": "password_reset"}
    found = await ports.catalog.rows("auth/find_one_time_token", asked)
    if not found:
        raise Rejected(Refusal.BAD_LINK, "it was used, or is over")
    warnings = await ports.passwords.accept(new, [found[0]["email"], found[0]["name"], "sluice"])
    hashed = await ports.passwords.hash(new)
    async with ports.catalog.transaction() as transaction:
        used = await transaction.rows("auth/use_one_time_token", asked)
        if not used:
            raise Rejected(Refusal.BAD_LINK, "it was used, or is over")
        user_id: uuid.UUID = used[0]["user_id"]
        await _set_password(transaction, user_id, hashed, verified=True)
        ended = await sessions.revoke(transaction, user_id, None, "password")
        actor = Actor(kind="user", id=user_id, email=used[0]["email"])
        await recorded(transaction, call, actor, "password.reset")
    return warnings, len(ended)


async def verify_email(call: Call, clear: str) -> None:
    """Note that an address is its user's, by a mailed token. Raises Rejected (BAD_LINK)."""
    asked = {"token_hash": sessions.digest(clear), "purpose": "email_verification"}
    await call.ports.throttle.attempt("verify", call.address)
    async with call.ports.catalog.transaction() as transaction:
        used = await transaction.rows("auth/use_one_time_token", asked)
        if not used:
            raise Rejected(Refusal.BAD_LINK, "it was used, or is over")
        await transaction.rows("auth/verify_email", {"user_id": used[0]["user_id"]})
        actor = Actor(kind="user", id=used[0]["user_id"], email=used[0]["email"])
        await recorded(transaction, call, actor, "email.verified")


async def _set_password(queries: Queries, user_id: uuid.UUID, hashed: str, *, verified: bool) -> None:
    values = {"user_id": user_id, "password_hash": hashed, "instead_of": None, "verified": verified}
    await queries.rows("auth/set_password", values)


async def _tell_of_new_address(call: Call, user: Row, grant: Grant) -> None:
    asked = {"user_id": user["id"], "address": call.address, "session_id": grant.session_id}
    known = (await call.ports.catalog.rows("auth/known_address", asked))[0]
    if not known["before"] or known["here"]:
        return
    at = to_datetime(call.ports.clock.micros()).isoformat(timespec="seconds")
    link = f"{call.ports.settings.public_url.rstrip('/')}/app/settings"
    values = {"name": user["name"], "link": link, "at": at, "address": call.address, "browser": call.user_agent}
    told = Notification(
        key=f"new_sign_in:{grant.session_id}",
        project_id=None,
        template="new_sign_in",
        values=values,
        language=user["language"],
        emails=[user["email"]],
    )
    try:
        await notify(call.ports.bus, told, call.asked.traceparent)
    except UnavailableError as error:
        # Who signs in is not to wait for the bus.
        log.warning("a sign-in was not told of", user=str(user["id"]), detail=str(error))

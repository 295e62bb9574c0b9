"""The handlers of auth's addresses: from a body to the logic and back."""

import uuid
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from functions.auth import answering, logic, models, second_factor
from functions.auth.asking import Call, Called, SignedIn, User
from functions.auth.mailing import MailRequest, request_mail
from shared.query.pages import DEFAULT_LIMIT
from shared.refusals import Refusal, Rejected
from shared.security import sessions
from shared.security.access import token_text
from shared.security.signing_keys import key_set
from shared.security.tokens import AUDIENCE, ISSUER


async def register(body: models.Registration, call: Called) -> models.Registered:
    async with call.ports.line:
        warnings = await logic.register(call, body)
    said = "sign in with POST /api/v1/auth/login; confirm the address by the link in the mail"
    return models.Registered(
        email=body.email, name=body.name, organisation=body.organisation, warnings=warnings, next=said
    )


async def login(body: models.Credentials, call: Called) -> JSONResponse:
    async with call.ports.line:
        grant = await logic.login(call, body)
    return await answering.tokens(call, grant)


async def refresh(body: models.RefreshRequest, call: Called) -> JSONResponse:
    clear = body.refresh_token or answering.cookie_token(call)
    if not clear:
        raise Rejected(Refusal.TOKEN_MISSING, "send `refresh_token`, or the cookie that signing in set")
    return await answering.tokens(call, await sessions.refresh(call.ports.catalog, clear))


async def logout(call: Called, body: models.RefreshRequest | None = None) -> JSONResponse:
    """End the session of an access token, else of a refresh token; one that has ended is as good."""
    user = await _whose(call, body.refresh_token if body else "")
    ended = await logic.end_sessions(call, user, [user.session_id], "logout") if user else 0
    return _ended(call, ended)


async def logout_all(call: Called, user: SignedIn) -> JSONResponse:
    return _ended(call, await logic.end_sessions(call, user, None, "logout"))


async def verify(body: models.TokenRequest, call: Called) -> models.Introspection:
    """Whether an access token is good; RFC 7662."""
    try:
        return await _introspected(call, body.token)
    except Rejected:
        return models.Introspection(active=False)


async def verify_own(call: Called, user: SignedIn) -> models.Introspection:
    del user
    return await _introspected(call, token_text(call.asked.headers))


async def me(call: Called, user: SignedIn) -> models.Me:
    rows = await call.ports.catalog.rows("auth/organisations_and_projects", {"user_id": user.id})
    organisations: dict[uuid.UUID, models.Organisation] = {}
    for row in rows:
        found = models.Organisation(id=row["organisation_id"], name=row["organisation"], role=row["role"], projects=[])
        organisation = organisations.setdefault(found.id, found)
        if row["project_id"] is not None:
            project = models.Project(
                id=row["project_id"],
                name=row["project"],
                timezone=row["timezone"],
                organisation_id=organisation.id,
                role=row["role"],
            )
            organisation.projects.append(project)
    return models.Me(
        id=user.id,
        email=user.email,
        name=user.row["name"],
        language=user.row["language"],
        email_verified=user.row["email_verified_at"] is not None,
        second_factor=user.row["totp_confirmed_at"] is not None,
        has_password=user.row["password_hash"] is not None,
        created_at=user.row["created_at"],
        session_id=user.session_id,
        organisations=list(organisations.values()),
        projects=[project for one in organisations.values() for project in one.projects],
    )


async def change_profile(body: models.ProfileChange, call: Called, user: SignedIn) -> models.Me:
    return await me(call, await logic.change_profile(call, user, body.name, body.language))


async def list_sessions(
    call: Called, user: SignedIn, limit: models.Limit = DEFAULT_LIMIT, cursor: uuid.UUID | None = None
) -> models.Sessions:
    found = await sessions.list_sessions(call.ports.catalog, user.id, after=cursor, most=limit + 1)
    shown = [
        models.SessionShown(
            id=one.id,
            kind=one.kind,
            method=one.method,
            address=one.address,
            user_agent=one.user_agent,
            created_at=one.created_at,
            last_used_at=one.last_used_at,
            expires_at=one.expires_at,
            current=one.id == user.session_id,
        )
        for one in found[:limit]
    ]
    return models.Sessions(sessions=shown, next_cursor=shown[-1].id if len(found) > limit else None)


async def end_other_sessions(call: Called, user: SignedIn) -> models.Ended:
    return models.Ended(ended=await logic.end_sessions(call, user, None, "revoked", but=user.session_id))


async def end_session(session_id: uuid.UUID, call: Called, user: SignedIn) -> models.Ended:
    ended = await logic.end_sessions(call, user, [session_id], "revoked")
    if not ended:
        raise Rejected(Refusal.NOT_FOUND, "you have no such session")
    return models.Ended(ended=ended)


async def change_password(body: models.PasswordChange, call: Called, user: SignedIn) -> models.Changed:
    async with call.ports.line:
        warnings, ended = await logic.change_password(call, user, body.current_password, body.new_password)
    return models.Changed(warnings=warnings, ended=ended)


async def forgot_password(body: models.EmailRequest, call: Called) -> models.Accepted:
    return await _mailed(call, MailRequest(body.email, "password_reset", call.language))


async def resend_verification(body: models.EmailRequest, call: Called) -> models.Accepted:
    return await _mailed(call, MailRequest(body.email, "email_verification", call.language))


async def reset_password(body: models.PasswordReset, call: Called) -> models.Changed:
    async with call.ports.line:
        warnings, ended = await logic.reset_password(call, body.token, body.new_password)
    return models.Changed(warnings=warnings, ended=ended)


async def verify_email(body: models.TokenRequest, call: Called) -> models.Accepted:
    await logic.verify_email(call, body.token)
    return models.Accepted()


async def begin_totp(body: models.PasswordProof, call: Called, user: SignedIn) -> models.TotpSecret:
    async with call.ports.line:
        await logic.require_password(call, user, body.password)
    secret, uri = await second_factor.begin(call, user)
    return models.TotpSecret(secret=secret, uri=uri)


async def confirm_totp(body: models.CodeProof, call: Called, user: SignedIn) -> models.RecoveryCodes:
    return models.RecoveryCodes(recovery_codes=await second_factor.confirm(call, user, body.code))


async def remove_totp(body: models.Removal, call: Called, user: SignedIn) -> Response:
    async with call.ports.line:
        await logic.require_password(call, user, body.password)
    await second_factor.remove(call, user, body.code)
    return Response(status_code=204)


async def renew_recovery_codes(body: models.CodeProof, call: Called, user: SignedIn) -> models.RecoveryCodes:
    return models.RecoveryCodes(recovery_codes=await second_factor.renew_codes(call, user, body.code))


async def jwks(call: Called) -> JSONResponse:
    """The public keys; whoever keeps them for longer than they sign before publication would miss new ones."""
    keys: dict[str, Any] = await key_set(call.ports.catalog)
    return JSONResponse(keys, headers={"cache-control": "public, max-age=5"})


async def _mailed(call: Call, wanted: MailRequest) -> models.Accepted:
    await call.ports.throttle.attempt(f"mail:{wanted.email}", call.address)
    await request_mail(call.ports, wanted, call.asked.traceparent)
    return models.Accepted()


async def _introspected(call: Call, token: str) -> models.Introspection:
    claims = await call.ports.verifier.verify(token)
    user = await call.user_of(claims.user_id, claims.session_id)
    if user is None:
        raise Rejected(Refusal.TOKEN_REVOKED)
    return models.Introspection(
        active=True,
        sub=str(claims.user_id),
        sid=str(claims.session_id),
        email=user.email,
        token_type="Bearer",  # noqa: S106 (the kind of token, RFC 6750)
        iss=ISSUER,
        aud=AUDIENCE,
        iat=int(claims.issued_at.timestamp()),
        exp=int(claims.expires_at.timestamp()),
    )


async def _whose(call: Call, refresh_token: str) -> User | None:
    if token_text(call.asked.headers):
        return await call.user()
    clear = refresh_token or answering.cookie_token(call)
    if not clear:
        raise Rejected(Refusal.TOKEN_MISSING, "send an access token, or `refresh_token`")
    found = await sessions.session_of_token(call.ports.catalog, clear)
    return await call.user_of(*found) if found else None


def _ended(call: Call, ended: int) -> JSONResponse:
    answer = JSONResponse({"ended": ended}, headers={"clear-site-data": '"cache"'})
    answering.set_cookies(call, answer, "")
    return answer

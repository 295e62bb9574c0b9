"""Signing in with the OpenID Connect provider: to it, back from it, and whose account that is.

A sign-in is bound to the browser it began in (a cookie), to the provider's answer (`state`), to the code (PKCE) and to
the ID token (`nonce`), and is good once.
"""

import re
import secrets
import uuid
from typing import Any

from fastapi import Query
from fastapi.responses import JSONResponse, RedirectResponse, Response

from functions.auth import answering, logic
from functions.auth.asking import Call, Called
from functions.auth.logic import NewUser
from functions.auth.provider import Identity, Provider
from shared.catalog.client import Row
from shared.emails import clean_email
from shared.refusals import Refusal, Rejected
from shared.security.sessions import digest

COOKIE = "sluice_oidc"
_PATH = f"{answering.PATH}/oidc"
_SECONDS = 600
# A path of ours and nothing that a browser could take for another host.
_LOCAL = re.compile(r"/(?![/\\])[\w\-./?=&%~:+,]*", re.ASCII)
_NO_STORE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}


async def start(call: Called, return_to: str = Query("/app/", max_length=500)) -> Response:
    """Send the browser to the provider. Raises Rejected (NOT_FOUND without one, BAD_VALUE)."""
    provider = _provider(call)
    if not _LOCAL.fullmatch(return_to):
        raise Rejected(Refusal.BAD_VALUE, "`return_to` is a path of this instance, /app/…")
    state, nonce, browser, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    values = {
        "state_hash": digest(state),
        "browser_hash": digest(browser),
        "nonce": nonce,
        "verifier": verifier,
        "return_to": return_to,
        "seconds": _SECONDS,
    }
    address = await provider.address(state, nonce, verifier)
    await call.ports.catalog.rows("auth/add_oidc_sign_in", values)
    answer = RedirectResponse(address, 303, _NO_STORE)
    https = call.ports.settings.public_url.startswith("https:")
    # Lax: the provider's redirect comes from another site, and needs this one cookie.
    answer.set_cookie(COOKIE, browser, _SECONDS, path=_PATH, secure=https, httponly=True, samesite="lax")
    return answer


async def callback(
    call: Called,
    state: str = Query("", max_length=200),
    code: str = Query("", max_length=4_000),
    iss: str = Query("", max_length=500),
    error: str = Query("", max_length=200),
) -> Response:
    """Sign in whom the provider names. Raises Rejected (BAD_LINK, BAD_CREDENTIALS, ACCOUNT_BLOCKED, CONFLICT)."""
    provider = _provider(call)
    await call.ports.throttle.attempt("oidc", call.address)
    browser = _cookie(call)
    asked = {"state_hash": digest(state), "browser_hash": digest(browser)}
    rows = await call.ports.catalog.rows("auth/take_oidc_sign_in", asked)
    if not rows:
        raise Rejected(Refusal.BAD_LINK, "this sign-in did not begin in this browser, or took too long; begin again")
    if error or not code or not provider.answers_as(iss):
        raise Rejected(Refusal.BAD_CREDENTIALS, "the provider did not sign you in")
    identity = await provider.identity(code, rows[0]["verifier"], rows[0]["nonce"])
    user = await _account(call, identity)
    if user["blocked_at"] is not None:
        raise Rejected(Refusal.ACCOUNT_BLOCKED)
    grant = await logic.sign_in(call, user, "browser", "oidc")
    answer = JSONResponse(None, 303, {**_NO_STORE, "location": rows[0]["return_to"]})
    answering.set_cookies(call, answer, grant.refresh_token)
    answer.delete_cookie(COOKIE, path=_PATH)
    return answer


async def _account(call: Call, identity: Identity) -> Row:
    """The account of an identity: the one it signed in to before, the one with its address, or a new one."""
    known = {"issuer": identity.issuer, "subject": identity.subject}
    rows = await call.ports.catalog.rows("auth/find_identity", known)
    if rows:
        return rows[0]
    try:
        email = clean_email(identity.email)
    except ValueError as error:
        raise Rejected(Refusal.BAD_CREDENTIALS, "the provider does not vouch for an e-mail address of yours") from error
    user_id = await _user_of(call, email, identity.name)
    await call.ports.catalog.rows("auth/add_identity", {**known, "user_id": user_id})
    found: list[dict[str, Any]] = await call.ports.catalog.rows("auth/find_identity", known)
    return found[0]


async def _user_of(call: Call, email: str, name: str) -> uuid.UUID:
    rows = await call.ports.catalog.rows("auth/find_user_by_email", {"email": email})
    if rows:
        if rows[0]["email_verified_at"] is None:
            # Whoever made it may not have been the address's owner, and would share the account from now on.
            raise Rejected(
                Refusal.CONFLICT, "an account has this address and never confirmed it: set a password by mail first"
            )
        user_id: uuid.UUID = rows[0]["id"]
        return user_id
    await logic.require_invitation(call, email)
    shown = name.strip()[:200]
    made = await logic.add_user(call, NewUser(email, shown, shown or email.partition("@")[0], None, verified=True))
    if made is None:
        raise Rejected(Refusal.CONFLICT, "an account was made for this address at the same moment; sign in again")
    return made


def _provider(call: Call) -> Provider:
    if call.ports.provider is None:
        raise Rejected(Refusal.NOT_FOUND, "this instance has no OpenID Connect provider")
    return call.ports.provider


def _cookie(call: Call) -> str:
    return answering.cookie(call, COOKIE)

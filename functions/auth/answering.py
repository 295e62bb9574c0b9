"""Tokens as API clients and browsers get them.

An API client has both in the body. A browser has the access token in the body, for its page's memory, and the refresh
token in a cookie no script reads; what sends that cookie must also name the CSRF token, which only our pages can read.
"""

import base64
import hmac

from fastapi.responses import JSONResponse
from starlette.requests import cookie_parser

from functions.auth.asking import Call
from functions.auth.models import Tokens
from shared.refusals import Refusal, Rejected
from shared.security.sessions import MOST_DAYS, Grant, digest
from shared.security.tokens import LIFE_SECONDS

PATH = "/api/v1/auth"
CSRF_HEADER = "x-csrf-token"
_NO_STORE = {"cache-control": "no-store"}
_DAY = 86_400


async def tokens(call: Call, grant: Grant) -> JSONResponse:
    """The answer that lets a session be used."""
    access = await call.ports.keys.issue(grant.user_id, grant.session_id)
    browser = grant.kind == "browser"
    csrf = csrf_token(grant.refresh_token)
    said = Tokens(
        access_token=access,
        refresh_token=None if browser else grant.refresh_token,
        csrf_token=csrf if browser else None,
        expires_in=LIFE_SECONDS,
        session_id=grant.session_id,
    )
    answer = JSONResponse(said.model_dump(mode="json", exclude_none=True), headers=_NO_STORE)
    if browser:
        set_cookies(call, answer, grant.refresh_token)
    return answer


def set_cookies(call: Call, answer: JSONResponse, refresh_token: str) -> None:
    """Keep a refresh token in the browser ('' takes it away)."""
    refresh, csrf = _names(call)
    age = MOST_DAYS * _DAY if refresh_token else 0
    https = _https(call)
    answer.set_cookie(refresh, refresh_token, age, path=PATH, secure=https, httponly=True, samesite="strict")
    value = csrf_token(refresh_token) if refresh_token else ""
    answer.set_cookie(csrf, value, age, path="/", secure=https, httponly=False, samesite="strict")


def cookie_token(call: Call) -> str:
    """The refresh token of a browser, '' without one. Raises Rejected (CSRF_MISSING) where the header does not fit."""
    found = cookie(call, _names(call)[0])
    if not found:
        return ""
    given = call.asked.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(given.encode("latin-1", "replace"), csrf_token(found).encode()):
        raise Rejected(Refusal.CSRF_MISSING)
    return found


def cookie(call: Call, name: str) -> str:
    """A cookie of the request, whatever stands beside it; '' without it."""
    return cookie_parser(call.asked.headers.get("cookie", "")).get(name, "")


def csrf_token(refresh_token: str) -> str:
    """Follows from the refresh token, and does not lead back to it."""
    return base64.urlsafe_b64encode(digest(f"csrf:{refresh_token}")).rstrip(b"=").decode()


def _https(call: Call) -> bool:
    return call.ports.settings.public_url.startswith("https:")


def _names(call: Call) -> tuple[str, str]:
    """The prefixes make browsers refuse the names from anywhere but this host over HTTPS."""
    return ("__Secure-sluice_refresh", "__Host-sluice_csrf") if _https(call) else ("sluice_refresh", "sluice_csrf")

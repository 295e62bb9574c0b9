"""auth as a FastAPI application: its addresses, each also under `/auth` for older clients."""

from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import FastAPI

from functions.auth import events, handlers, models, oidc
from functions.auth.answering import PATH
from shared.function import SINK

OLDER = "/auth"
JWKS = "/.well-known/jwks.json"


class Address(NamedTuple):
    method: str
    path: str
    handler: Callable[..., Any]
    summary: str
    answer: Any = None
    status: int = 200


ADDRESSES = (
    Address("POST", "/register", handlers.register, "Make an account with an organisation", models.Registered, 201),
    Address("POST", "/login", handlers.login, "Sign in", models.Tokens),
    Address("POST", "/refresh", handlers.refresh, "Get a new access token", models.Tokens),
    Address("POST", "/logout", handlers.logout, "End this session", models.Ended),
    Address("POST", "/logout-all", handlers.logout_all, "End every session", models.Ended),
    Address("POST", "/verify", handlers.verify, "Say whether a token is good", models.Introspection),
    Address("GET", "/verify", handlers.verify_own, "Say what the sent token is", models.Introspection),
    Address("GET", "/me", handlers.me, "The signed-in user, with organisations and projects", models.Me),
    Address("PATCH", "/me", handlers.change_profile, "Change your name or the language of mails", models.Me),
    Address("GET", "/sessions", handlers.list_sessions, "The sessions that hold", models.Sessions),
    Address("DELETE", "/sessions", handlers.end_other_sessions, "End every session but this one", models.Ended),
    Address("DELETE", "/sessions/{session_id}", handlers.end_session, "End a session", models.Ended),
    Address("POST", "/password", handlers.change_password, "Change the password", models.Changed),
    Address("POST", "/password/forgot", handlers.forgot_password, "Mail a link", models.Accepted, 202),
    Address("POST", "/password/reset", handlers.reset_password, "Set a password by a mailed token", models.Changed),
    Address("POST", "/email/verify", handlers.verify_email, "Confirm an address by a mailed token", models.Accepted),
    Address("POST", "/email/resend", handlers.resend_verification, "Mail that token again", models.Accepted, 202),
    Address("POST", "/totp", handlers.begin_totp, "Begin a second factor", models.TotpSecret),
    Address("POST", "/totp/confirm", handlers.confirm_totp, "Put it in force", models.RecoveryCodes),
    Address("POST", "/totp/remove", handlers.remove_totp, "End the second factor", None, 204),
    Address("POST", "/totp/recovery-codes", handlers.renew_recovery_codes, "New codes", models.RecoveryCodes),
    Address("GET", "/oidc/start", oidc.start, "Sign in with the OpenID Connect provider", None, 303),
    Address("GET", "/oidc/callback", oidc.callback, "Where the provider sends the browser back to", None, 303),
)


def build() -> FastAPI:
    """The application; what it works with comes with each request (shared.web)."""
    app = FastAPI(title="auth", openapi_url=None, docs_url=None, redoc_url=None)
    for method, path, handler, summary, answer, status in ADDRESSES:
        for prefix in (PATH, OLDER):
            app.add_api_route(
                prefix + path,
                handler,
                methods=[method],
                summary=summary,
                response_model=answer,
                response_model_exclude_none=True,
                status_code=status,
            )
    app.add_api_route(JWKS, handlers.jwks, methods=["GET"], summary="The public keys", response_model=models.KeySet)
    app.add_api_route(SINK, events.deliver, methods=["POST"], include_in_schema=False)
    return app

"""Who asks, for the handlers: the request, what auth works with, and the user of a token."""

import uuid
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from functions.auth.ports import Ports
from shared.catalog.client import Row
from shared.http import CALLER_HEADER
from shared.http import Request as Asked
from shared.notifications import Language
from shared.refusals import Refusal, Rejected
from shared.security.access import token_text, without_token
from shared.security.actor import Actor
from shared.web import asked_of, ports_of

_MOST_AGENT = 300


class User(NamedTuple):
    """A signed-in user as the catalog has them now."""

    id: uuid.UUID
    session_id: uuid.UUID
    row: Row

    @property
    def email(self) -> str:
        email: str = self.row["email"]
        return email

    @property
    def actor(self) -> Actor:
        return Actor(kind="user", id=self.id, email=self.email, session_id=self.session_id)


class Call:
    """A request with what it is answered from."""

    def __init__(self, ports: Ports, asked: Asked) -> None:
        self.ports = ports
        self.asked = asked
        self.address = ports.proxies.address(asked.headers, asked.peer)
        self.user_agent = asked.headers.get("user-agent", "")[:_MOST_AGENT]

    @property
    def language(self) -> Language:
        return "ru" if self.asked.headers.get("accept-language", "").lower().startswith("ru") else "en"

    async def user(self) -> User:
        """The signed-in user, looked up anew. Raises Rejected (401; TOKEN_REQUIRED for a key)."""
        token = token_text(self.asked.headers)
        if not token:
            raise without_token(self.asked.headers)
        claims = await self.ports.verifier.verify(token)
        user = await self.user_of(claims.user_id, claims.session_id)
        if user is None:
            raise Rejected(Refusal.TOKEN_REVOKED)
        self.asked.note(CALLER_HEADER, f"user:{user.id}")
        return user

    async def user_of(self, user_id: uuid.UUID, session_id: uuid.UUID) -> User | None:
        """The user of a session; None where the session has ended or the user is blocked."""
        rows = await self.ports.catalog.rows("auth/session_user", {"user_id": user_id, "session_id": session_id})
        return User(user_id, session_id, rows[0]) if rows else None


def call(request: Request) -> Call:
    """FastAPI's dependency."""
    return Call(ports_of(request), asked_of(request))


async def signed_in(called: Annotated[Call, Depends(call)]) -> User:
    """FastAPI's dependency of what needs a token. Raises Rejected (401)."""
    return await called.user()


Called = Annotated[Call, Depends(call)]
SignedIn = Annotated[User, Depends(signed_in)]

"""Who asks, and whether they may: the API key or the signed-in user of a request, checked for an action.

A key belongs to one project. A user's token names a user: the project is what the request names (X-Project-Id, else
?project_id=), else the only one open to them. Both are decided by shared.security.policy and by nothing else.
"""

import base64
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from shared.catalog.client import Catalog, CatalogUnavailableError
from shared.catalog.keys import TOUCH_SECONDS, find_key, touch_key
from shared.catalog.members import find_member
from shared.clock import SYSTEM_CLOCK, to_micros
from shared.http import CALLER_HEADER, PROJECT_HEADER, Request
from shared.query.zone import project_timezone
from shared.refusals import Refusal, Rejected
from shared.security import policy
from shared.security.access_log import AccessLog
from shared.security.actor import Actor
from shared.security.keys import Key, KeyRing, Scope, has_form, refusal_of
from shared.security.members import RELOOK_SECONDS, Member, Members
from shared.security.policy import Action

PROJECT_ID = "x-project-id"
PROJECT_PARAMETER = "project_id"
_DOTS_OF_A_TOKEN = 2


class Caller(Actor, frozen=True, kw_only=True):
    """Who was let in, and for which project."""

    project_id: uuid.UUID


class Verified(Protocol):
    """What a sound token says."""

    @property
    def user_id(self) -> uuid.UUID: ...
    @property
    def session_id(self) -> uuid.UUID: ...


class Verifier(Protocol):
    """Checks a token's signature, time, issuer, audience and type; raises Rejected (401) and UnavailableError."""

    async def verify(self, token: str) -> Verified: ...
    async def close(self) -> None: ...


class Access:
    """Checks each request against the catalog, through what it remembers of keys and users."""

    def __init__(self, catalog: Catalog, verifier: Verifier | None = None) -> None:
        self._catalog = catalog
        self._ring = KeyRing(self._look_up, SYSTEM_CLOCK)
        self._members = Members(self._look_up_member, SYSTEM_CLOCK)
        self._log = AccessLog(catalog)
        self._verifier = verifier

    async def authorize(self, request: Request, action: Action) -> Caller:
        """Who asks, allowed `action` in the project they ask about.

        `?project_id=` is taken out of the address: no query sees it. Raises Rejected (401, 403, 409) or
        UnavailableError.
        """
        named = named_project(request)
        token = token_text(request.headers)
        if token:
            caller = await self._user(token, named, action)
        else:
            caller = await self._key(key_text(request.headers), named, action)
        request.note(PROJECT_HEADER, str(caller.project_id))
        request.note(CALLER_HEADER, f"{caller.kind}:{caller.id}")
        await self._log.note(request, caller, action)
        return caller

    async def member(self, request: Request) -> Member:
        """The signed-in user of a request, whatever they may do; for what belongs to no project.

        Raises Rejected (401; TOKEN_REQUIRED for an API key) or UnavailableError.
        """
        token = token_text(request.headers)
        if not token:
            raise without_token(request.headers)
        member, _ = await self._member(token)
        request.note(CALLER_HEADER, f"user:{member.user_id}")
        return member

    async def require(self, headers: Mapping[str, str], scope: Scope, *others: Scope) -> Key:
        """The key of a request, allowed `scope` or one of the `others`; for what takes keys only.

        Raises Rejected (401, 403) or CatalogUnavailableError.
        """
        return await self.require_key(key_text(headers), scope, *others)

    async def require_key(self, clear: str, scope: Scope, *others: Scope) -> Key:
        """The same for a key that was found elsewhere than in the headers; '' is no key."""
        return await self._ring.require(clear, scope, *others)

    def known_key(self, clear: str, scope: Scope) -> Key | None:
        """The same for a key that is known and allowed, without waiting; None says nothing: `require_key` does."""
        key = self._ring.get_cached(clear)
        return key if refusal_of(key, scope, SYSTEM_CLOCK.micros()) is None else None

    async def ready(self) -> None:
        """Raise CatalogUnavailableError unless the catalog answers."""
        await self._catalog.ping()

    async def close(self) -> None:
        """End what is under way; the catalog is closed by whoever opened it."""
        await self._ring.close()
        await self._members.close()
        if self._verifier is not None:
            await self._verifier.close()

    async def _key(self, clear: str, named: uuid.UUID | None, action: Action) -> Caller:
        if not clear:
            raise Rejected(Refusal.KEY_MISSING, "a signed-in person sends a token as `Bearer` instead")
        scopes = policy.scopes_for(action)
        key = await self._ring.require(clear, *(scopes or policy.SCOPES))
        project_timezone.set(key.timezone)
        caller = Caller(kind="key", id=key.id, project_id=key.project_id, scopes=key.scopes)
        policy.require(caller, action)
        if named is not None and named != key.project_id:
            raise Rejected(Refusal.PROJECT_FORBIDDEN, f"the key is not of the project {named}")
        return caller

    async def _user(self, token: str, named: uuid.UUID | None, action: Action) -> Caller:
        member, session_id = await self._member(token)
        if named not in member.projects and (named is not None or len(member.projects) != 1):
            member, session_id = await self._member(token, within=RELOOK_SECONDS)
        project = member.project(named)
        project_timezone.set(project.timezone)
        caller = Caller(
            kind="user",
            id=member.user_id,
            project_id=project.id,
            organisation_id=project.organisation_id,
            role=project.role,
            email=member.email,
            session_id=session_id,
        )
        policy.require(caller, action)
        return caller

    async def _member(self, token: str, within: float | None = None) -> tuple[Member, uuid.UUID]:
        if self._verifier is None:
            from shared.security.tokens import open_verifier  # the import costs what most starts need not pay

            self._verifier = open_verifier(self._catalog)
        verified = await self._verifier.verify(token)
        member = await self._members.find(verified.user_id, verified.session_id, within=within)
        if member is None or not member.active:
            raise Rejected(Refusal.TOKEN_REVOKED)
        return member, verified.session_id

    async def _look_up(self, key_hash: bytes) -> Key | None:
        key = await find_key(self._catalog, key_hash)
        if key is not None and _is_due(key, SYSTEM_CLOCK.micros()):
            # Not being able to note the use (a full disk, a replica) is no reason to refuse the key.
            with contextlib.suppress(CatalogUnavailableError):
                await touch_key(self._catalog, key.id)
        return key

    async def _look_up_member(self, user_id: uuid.UUID, session_id: uuid.UUID) -> Member | None:
        return await find_member(self._catalog, user_id, session_id)


def _is_due(key: Key, now: int) -> bool:
    return key.last_used_at is None or now - to_micros(key.last_used_at) > TOUCH_SECONDS * 1_000_000


@contextlib.asynccontextmanager
async def open_access(catalog_url: str) -> AsyncIterator[Access]:
    """An Access on the catalog of that URL, closed at the end."""
    catalog = Catalog(catalog_url)
    access = Access(catalog)
    try:
        yield access
    finally:
        await access.close()
        await catalog.close()


def named_project(request: Request) -> uuid.UUID | None:
    """The project a request names; refuses one that is no id, and two that differ (BAD_REQUEST)."""
    asked = request.take_parameter(PROJECT_PARAMETER)
    given = request.headers.get(PROJECT_ID) or asked
    if not given:
        return None
    try:
        named = uuid.UUID(given)
        if asked and uuid.UUID(asked) != named:
            raise Rejected(Refusal.BAD_REQUEST, "X-Project-Id and ?project_id= name different projects")
    except ValueError as error:
        raise Rejected(Refusal.BAD_REQUEST, "the project's id is no UUID") from error
    return named


def token_text(headers: Mapping[str, str]) -> str:
    """The JSON Web Token a request carries as Bearer; '' without one. An X-API-Key beside it wins."""
    if headers.get("x-api-key"):
        return ""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    is_token = scheme.lower() == "bearer" and credentials.count(".") >= _DOTS_OF_A_TOKEN
    return credentials.strip() if is_token else ""


def without_token(headers: Mapping[str, str]) -> Rejected:
    """The refusal of a request that carries no access token, where only people are let in.

    TOKEN_MISSING (401) where it carries nothing, TOKEN_UNKNOWN (401) for a text of no known form, TOKEN_REQUIRED (403)
    for an API key, which the door does not open to, whoever holds it.
    """
    clear = key_text(headers)
    if not clear:
        return Rejected(Refusal.TOKEN_MISSING)
    return Rejected(Refusal.TOKEN_REQUIRED if has_form(clear) else Refusal.TOKEN_UNKNOWN)


def key_text(headers: Mapping[str, str]) -> str:
    """The API key a request carries: X-API-Key, Bearer, or Basic (as user name or password); '' without one."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            return _from_basic(credentials)
        case _:
            return ""


def _from_basic(credentials: str) -> str:
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError as error:
        raise Rejected(Refusal.KEY_UNKNOWN, "the Basic credentials are not base64 of user:password") from error
    return user or password

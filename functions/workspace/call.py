"""One request to the workspace: what it asks, who asks, and what they may do there.

Roles are read from the catalog for each request: what somebody was just given, or lost, holds at once.
"""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import msgspec

from functions.workspace.ports import Ports
from shared.catalog.client import CatalogRefusedError, Queries
from shared.http import Request
from shared.query.request import MAX_QUERY_BYTES, from_address, from_json
from shared.refusals import Refusal, Rejected
from shared.security import audit
from shared.security.access import named_project, token_text
from shared.security.keys import Scope
from shared.security.policy import Action, Role, allowed, require

StructT = TypeVar("StructT", bound=msgspec.Struct)

_MOST_KEY_CHARACTERS = 255
_MOST_NAMED = 100


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, what they are where it goes to, and from where; an Acting of the policy and of the audit log."""

    kind: Literal["key", "user"]
    id: uuid.UUID
    email: str = ""
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    organisation_id: uuid.UUID | None = None
    project_id: uuid.UUID | None = None
    request_id: str = ""
    address: str = ""

    @property
    def user_id(self) -> uuid.UUID | None:
        """The user, None for a key."""
        return self.id if self.kind == "user" else None

    def within(
        self, organisation_id: uuid.UUID | None, *, role: Role | None, project_id: uuid.UUID | None = None
    ) -> "Caller":
        """The same caller, acting there."""
        return msgspec.structs.replace(self, organisation_id=organisation_id, role=role, project_id=project_id)

    async def record(
        self,
        queries: Queries,
        action: str,
        target: str,
        before: Mapping[str, Any] | msgspec.Struct | None = None,
        after: Mapping[str, Any] | msgspec.Struct | None = None,
    ) -> None:
        """Put what the caller does into the log of the organisation they act in; in a transaction, last."""
        await audit.record(
            queries,
            organisation_id=self.organisation_id,
            actor=self,
            action=action,
            target=target,
            before=_plain(before),
            after=_plain(after),
            request_id=self.request_id,
            address=self.address,
            project_id=self.project_id,
        )


class Call:
    """A request, its path's names, and what the workspace works with."""

    def __init__(self, request: Request, ports: Ports, names: Mapping[str, str]) -> None:
        self._request = request
        self._names = names
        self.ports = ports
        self.headers = request.headers
        self.traceparent = request.traceparent
        self.path = request.path

    def id(self, name: str) -> uuid.UUID:
        """The id in the path; refuses what is none as it refuses one that is not there."""
        try:
            return uuid.UUID(self._names[name])
        except ValueError as error:
            raise Rejected(Refusal.NOT_FOUND, f"{self._names[name][:80]!r} is no id of anything") from error

    def name(self, name: str) -> str:
        """A text in the path."""
        return self._names[name]

    def query(self, wanted: type[StructT]) -> StructT:
        """What the address asks, without the project."""
        return from_address(self._request.query.decode("latin-1"), wanted)

    async def body(self, wanted: type[StructT], default: StructT | None = None) -> StructT:
        """What the body asks; `default` where there is none."""
        body = await self._request.body(MAX_QUERY_BYTES)
        return default if not body and default is not None else from_json(body, wanted)

    async def raw_body(self, most: int) -> bytes:
        """The body as it was sent."""
        return await self._request.body(most)

    def note(self, headers: Mapping[str, str]) -> None:
        """Give the answer headers, errors too."""
        for name, value in headers.items():
            self._request.note(name, value)

    async def user(self) -> Caller:
        """Whoever is signed in, wherever they are members; refuses keys (TOKEN_REQUIRED)."""
        member = await self.ports.access.member(self._request)
        return self._caller(Caller(kind="user", id=member.user_id, email=member.email))

    async def anybody(self) -> Caller:
        """Whoever is signed in, or the key, in its project."""
        if token_text(self.headers):
            return await self.user()
        return await self._key(None, Action.PROJECT_READ)

    async def in_organisation(self, action: Action, given: uuid.UUID | None = None) -> Caller:
        """Whoever is signed in, allowed `action` in the path's organisation, the given one, or the only one it can be.

        Raises Rejected (ROLE_MISSING alike where there is no such organisation; ORGANISATION_REQUIRED with the list).
        """
        caller = await self.user()
        organisation = self.id("organisation_id") if "organisation_id" in self._names else given
        if organisation is None:
            organisation = await self._only_organisation(caller, action)
        role = await self.role_in(caller.id, organisation)
        found = caller.within(organisation, role=role)
        require(found, action)
        return found

    async def in_project(self, action: Action, *, deleted: bool = False) -> Caller:
        """Whoever asks, allowed `action` in the path's project, else the named one, else the only one open to them.

        Raises Rejected (PROJECT_FORBIDDEN alike where there is no such project; PROJECT_REQUIRED with the list).
        """
        named = named_project(self._request)
        if "project_id" in self._names:
            named = self.id("project_id")
        if not token_text(self.headers):
            return await self._key(named, action)
        caller = await self.user()
        values = {"user_id": caller.id, "organisation_id": None, "deleted": deleted, "after": None}
        if named is None:
            rows = await self.ports.catalog.rows("workspace/projects_of_user", {**values, "most": _MOST_NAMED})
            if len(rows) != 1:
                listed = [{"id": str(row["id"]), "name": row["name"]} for row in rows]
                detail = f"{len(rows)} projects are open to you: send the id of one as X-Project-Id or ?project_id="
                raise Rejected(Refusal.PROJECT_REQUIRED, detail, projects=listed)
        else:
            values = {"user_id": caller.id, "project_id": named, "deleted": deleted}
            rows = await self.ports.catalog.rows("workspace/project_of_user", values)
        if not rows:
            raise Rejected(Refusal.PROJECT_FORBIDDEN, f"the project {named} is not open to you")
        row = rows[0]
        found = caller.within(row["organisation_id"], role=row["role"], project_id=row["id"])
        require(found, action)
        return found

    async def role_in(self, user: uuid.UUID, organisation: uuid.UUID) -> Role | None:
        """The role of a user in an organisation now."""
        values = {"organisation_id": organisation, "user_id": user}
        rows = await self.ports.catalog.rows("workspace/role_in_organisation", values)
        return rows[0]["role"] if rows else None

    async def made_before(self, transaction: Queries, caller: Caller, made: uuid.UUID) -> uuid.UUID | None:
        """What the request's Idempotency-Key made before; else None, and `made` is what it makes.

        Refuses a key that was used for another request (`idempotency_key_reused`). Keys are kept for a day.
        """
        key = self.headers.get("idempotency-key", "")
        if not key:
            return None
        if len(key) > _MOST_KEY_CHARACTERS or not key.isprintable() or not key.isascii():
            detail = f"1 to {_MOST_KEY_CHARACTERS} printable ASCII characters"
            raise Rejected(Refusal.BAD_IDEMPOTENCY_KEY, detail)
        body = await self._request.body(MAX_QUERY_BYTES)
        digest = hashlib.sha256(f"{self._request.method} {self.path} {caller.project_id}\n".encode() + body).digest()
        values = {"actor_id": caller.id, "key": key, "digest": digest, "made_id": made}
        if await transaction.rows("workspace/repeat_request", values):
            return None
        [known] = await transaction.rows("workspace/repeated_request", {"actor_id": caller.id, "key": key})
        if bytes(known["digest"]) != digest:
            raise Rejected(Refusal.IDEMPOTENCY_KEY_REUSED, "take a new one for another request")
        found: uuid.UUID = known["made_id"]
        return found

    async def _key(self, named: uuid.UUID | None, action: Action) -> Caller:
        found = await self.ports.access.authorize(self._request, action)
        if named is not None and named != found.project_id:
            raise Rejected(Refusal.PROJECT_FORBIDDEN, f"the key is not of the project {named}")
        rows = await self.ports.catalog.rows("workspace/project", {"project_id": found.project_id})
        if not rows or rows[0]["deleted_at"] is not None:
            raise Rejected(Refusal.PROJECT_FORBIDDEN, f"the project {found.project_id} is not there any more")
        caller = Caller(kind="key", id=found.id, scopes=found.scopes)
        return self._caller(caller.within(rows[0]["organisation_id"], role=None, project_id=found.project_id))

    async def _only_organisation(self, caller: Caller, action: Action) -> uuid.UUID:
        values = {"user_id": caller.id, "after": None, "most": _MOST_NAMED}
        rows = await self.ports.catalog.rows("workspace/organisations_of_user", values)
        open_to = [row for row in rows if allowed(caller.within(row["id"], role=row["role"]), action)]
        if len(open_to) != 1:
            listed = [{"id": str(row["id"]), "name": row["name"]} for row in open_to]
            detail = f"{len(open_to)} of your organisations allow {action} to you: name one as `organisation_id`"
            raise Rejected(Refusal.ORGANISATION_REQUIRED, detail, organisations=listed)
        found: uuid.UUID = open_to[0]["id"]
        return found

    def _caller(self, caller: Caller) -> Caller:
        address = self.ports.proxies.address(self.headers, self._request.peer)
        return msgspec.structs.replace(caller, request_id=self._request.request_id, address=address)


def refused_by_catalog(error: CatalogRefusedError) -> Rejected:
    """What the tables refuse although it looked right, such as what was removed meanwhile."""
    return Rejected(Refusal.CONFLICT, str(error))


def _plain(value: Mapping[str, Any] | msgspec.Struct | None) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = msgspec.to_builtins(value)
    return found

"""What retention_enforce answers on legal holds: set one, show, list, release."""

import uuid
from typing import Annotated

import msgspec

from functions.retention_enforce.ports import Ports
from shared.catalog.holds import Hold, find_hold, hold, holds, release
from shared.catalog.people import of_anonymous, of_user
from shared.http import Reply, Request, json_reply
from shared.paths import match
from shared.query.request import from_json
from shared.refusals import Refusal, Rejected
from shared.security.access import Caller
from shared.security.changes import Changes

HOLDS = "/api/v1/retention/holds"
HOLD = f"{HOLDS}/{{id}}"
_MOST_BYTES = 64 * 1024
_MOST_HOLDS = 1_000

Identifier = Annotated[str, msgspec.Meta(max_length=512)]


class HoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose rows stay: one person by `user_id` or `anonymous_id`, or with `project: true` everybody's; and why."""

    user_id: Identifier = ""
    anonymous_id: Identifier = ""
    project: bool = False
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]

    def person(self) -> str | None:
        """The user key, None for the whole project; refuses none and several of them."""
        if [bool(self.user_id), bool(self.anonymous_id), self.project].count(True) != 1:
            raise Rejected(Refusal.BAD_REQUEST, "give `user_id`, `anonymous_id` or `project: true`, one of them")
        if "\0" in self.user_id + self.anonymous_id + self.reason:
            raise Rejected(Refusal.BAD_TEXT, "a text holds a null character")
        if self.project:
            return None
        return of_user(self.user_id) if self.user_id else of_anonymous(self.anonymous_id)


class HoldsAnswer(msgspec.Struct, frozen=True):
    """The legal holds of a project, released ones too, the newest first."""

    items: list[Hold]


async def count(ports: Ports, project_id: uuid.UUID) -> int:
    """How many holds are not released."""
    return sum(one.released_at is None for one in await holds(ports.catalog, project_id, _MOST_HOLDS))


async def answer(request: Request, ports: Ports, caller: Caller) -> Reply:
    """Answer the addresses of holds; each change is in the audit log."""
    project_id = caller.project_id
    changes: Changes[Hold] = Changes(
        "legal_hold", lambda one: one, catalog=ports.catalog, proxies=ports.proxies, request=request, caller=caller
    )
    if request.path == HOLDS and request.method == "GET":
        return json_reply(HoldsAnswer(await holds(ports.catalog, project_id, _MOST_HOLDS)))
    if request.path == HOLDS and request.method == "POST":
        asked = from_json(await request.body(_MOST_BYTES), HoldRequest)
        person = asked.person()
        if await count(ports, project_id) >= _MOST_HOLDS:
            raise Rejected(Refusal.CONFLICT, f"{_MOST_HOLDS} holds at most: hold the whole project, or release some")
        made = await changes.made("set", lambda to: hold(to, project_id, person, asked.reason))
        reply = json_reply(made, 201)
        reply.headers["location"] = f"{HOLDS}/{made.id}"
        return reply
    if found := match(HOLD, request.path):
        one = await _found(found["id"], ports, project_id)
        if request.method == "GET":
            return json_reply(one)
        if request.method == "DELETE":
            released = await changes.made("released", lambda to: release(to, project_id, one.id), one)
            return json_reply(released)
    raise Rejected(Refusal.METHOD_NOT_ALLOWED, f"holds are at {HOLDS}, one of them at {HOLD}")


async def _found(text: str, ports: Ports, project_id: uuid.UUID) -> Hold:
    """The project's hold; another project's is as unknown as one that never was."""
    try:
        found = await find_hold(ports.catalog, project_id, uuid.UUID(text))
    except ValueError:
        found = None
    if found is None:
        raise Rejected(Refusal.NOT_FOUND, f"there is no legal hold {text[:80]!r}")
    return found

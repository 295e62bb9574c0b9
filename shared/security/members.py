"""What a signed-in user is now: whether the session still holds, and which projects are open to them in which role.

A token says who somebody is; what they may do is looked up, and an answer is used for FRESH_SECONDS at most. So a
blocked user, a revoked session, a changed role or a lost membership ends within five seconds. While the catalog is away
what was known holds on: nothing could be revoked then either, and a token lives minutes.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from shared.clock import Clock
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security.policy import Role

FRESH_SECONDS = 4.5
STALE_SECONDS = 900.0
_MOST = 10_000
_MOST_LISTED = 100


class OpenProject(msgspec.Struct, frozen=True):
    """A project that is open to a user, by the role they hold in its organisation."""

    id: uuid.UUID
    name: str
    organisation_id: uuid.UUID
    role: Role
    timezone: str = "UTC"


class Member(msgspec.Struct, frozen=True):
    """A user as the catalog has them; `projects` by id, in order of their names."""

    user_id: uuid.UUID
    email: str
    active: bool
    projects: Mapping[uuid.UUID, OpenProject]

    def project(self, named: uuid.UUID | None) -> OpenProject:
        """The project a request is about: the one it names, else the only one there is.

        Raises Rejected: PROJECT_FORBIDDEN for one that is not there or not open, alike; PROJECT_REQUIRED with the list.
        """
        if named is not None:
            if named not in self.projects:
                raise Rejected(Refusal.PROJECT_FORBIDDEN, f"the project {named} is not open to you")
            return self.projects[named]
        if len(self.projects) == 1:
            return next(iter(self.projects.values()))
        listed = [{"id": str(one.id), "name": one.name} for one in list(self.projects.values())[:_MOST_LISTED]]
        detail = (
            f"{len(self.projects)} projects are open to you: send the id of one as X-Project-Id or ?project_id="
            if self.projects
            else "no project is open to you yet: make one, or ask for an invitation"
        )
        raise Rejected(Refusal.PROJECT_REQUIRED, detail, projects=listed)


# Who asks for a project that is not known to be open to them is looked up anew, but not more often than this: it may
# have been made a moment ago.
RELOOK_SECONDS = 0.5

# By user and session.
Lookup = Callable[[uuid.UUID, uuid.UUID], Awaitable[Member | None]]
_Name = tuple[uuid.UUID, uuid.UUID]


class Members:
    """The users a function has seen; one question a session is under way at a time."""

    def __init__(self, lookup: Lookup, clock: Clock) -> None:
        self._lookup = lookup
        self._clock = clock
        self._known: dict[_Name, tuple[float, Member | None]] = {}
        self._asking: dict[_Name, asyncio.Task[Member | None]] = {}

    async def find(self, user_id: uuid.UUID, session_id: uuid.UUID, *, within: float | None = None) -> Member | None:
        """The user as they are now, or were `within` (FRESH_SECONDS); None where they or the session are not there.

        Raises UnavailableError where the catalog is away and the session was not seen within STALE_SECONDS.
        """
        name = user_id, session_id
        known = self._known.get(name)
        if known is not None and self._clock.monotonic() - known[0] < (FRESH_SECONDS if within is None else within):
            return known[1]
        asking = self._asking.get(name)
        if asking is None:
            asking = self._asking[name] = asyncio.create_task(self._ask(name))
            asking.add_done_callback(lambda done: self._asked(name, done))
        try:
            return await asyncio.shield(asking)
        except UnavailableError:
            if known is None or self._clock.monotonic() - known[0] > STALE_SECONDS:
                raise
            return known[1]

    async def close(self) -> None:
        """End the questions still under way."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, name: _Name) -> Member | None:
        asked_at = self._clock.monotonic()
        member = await self._lookup(*name)
        self._known.pop(name, None)
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[name] = asked_at, member
        return member

    def _asked(self, name: _Name, done: "asyncio.Task[Member | None]") -> None:
        del self._asking[name]
        if not done.cancelled():
            done.exception()

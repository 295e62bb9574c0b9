"""Legal holds: whose rows nobody may drop, by retention or by erasure, until the hold is released.

A hold is on a whole project or on one person, named by a user key (`u:ada`, `a:device-1`). retention_enforce makes and
releases them and leaves their rows alone; an erasure asks `held_people` before it begins, and answers `held` for whom
it names. Whoever drops rows notes first that it begins and reads the holds then: a hold that is there before is heeded.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.catalog.client import Catalog, Queries
from shared.ids import uuid7


class Hold(msgspec.Struct, frozen=True):
    """One hold; `person` is None for the whole project.

    `in_force`: false while a run of retention that began before it may still be dropping, and once it is released.
    """

    id: uuid.UUID
    person: str | None
    reason: str
    created_at: datetime
    released_at: datetime | None
    in_force: bool = True


class Held(NamedTuple):
    """What of a project is under hold now: all of it, or these people by their user keys."""

    project: bool
    people: frozenset[str]

    def among(self, people: Iterable[str]) -> list[str]:
        """Who of these user keys is under hold by name; everybody where the project is."""
        return sorted(one for one in people if self.project or one in self.people)


async def held_people(queries: Queries, project_id: uuid.UUID) -> Held:
    """Whom the project's holds name now. Links between keys are not followed: that is for whoever asks."""
    found = [row["person"] for row in await queries.rows("active_holds", {"project_id": project_id})]
    return Held(None in found, frozenset(person for person in found if person is not None))


async def holds(catalog: Catalog, project_id: uuid.UUID, most: int) -> list[Hold]:
    """The project's holds, released ones too, the newest first."""
    rows = await catalog.rows("list_holds", {"project_id": project_id, "id": None, "most": most})
    return [Hold(**row) for row in rows]


async def find_hold(queries: Queries, project_id: uuid.UUID, hold_id: uuid.UUID) -> Hold | None:
    """The project's hold of that id."""
    rows = await queries.rows("list_holds", {"project_id": project_id, "id": hold_id, "most": 1})
    return Hold(**rows[0]) if rows else None


async def hold(queries: Queries, project_id: uuid.UUID, person: str | None, reason: str) -> Hold | None:
    """Hold a person (a user key) or, with None, the project from now on."""
    hold_id = uuid7()
    await queries.rows("keep_hold", {"id": hold_id, "project_id": project_id, "person": person, "reason": reason})
    return await find_hold(queries, project_id, hold_id)


async def release(queries: Queries, project_id: uuid.UUID, hold_id: uuid.UUID) -> Hold | None:
    """End a hold; one that was released before stays as it was."""
    await queries.rows("release_hold", {"project_id": project_id, "id": hold_id})
    return await find_hold(queries, project_id, hold_id)

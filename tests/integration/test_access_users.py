"""Signed-in users at a read: which project, which role, and how soon what was taken away is gone."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from shared.catalog.client import Catalog
from shared.catalog.keys import create_key
from shared.catalog.projects import create_organisation, create_project
from shared.http import Request
from shared.refusals import Refusal, Rejected
from shared.security import members
from shared.security.access import Access, open_access
from shared.security.policy import Action
from tests.people import FORGED, People

SECRET = "s" * 40


class World(NamedTuple):
    """An organisation with two projects, another with one."""

    people: People
    access: Access
    catalog: Catalog
    ours: uuid.UUID
    first: uuid.UUID
    second: uuid.UUID
    theirs: uuid.UUID
    third: uuid.UUID


@pytest.fixture
async def world(catalog_url: str) -> AsyncIterator[World]:
    catalog = Catalog(catalog_url)
    ours = (await create_organisation(catalog, "Ours"))["id"]
    theirs = (await create_organisation(catalog, "Theirs"))["id"]
    projects = [
        (await create_project(catalog, organisation, name))["id"]
        for organisation, name in [(ours, "First"), (ours, "Second"), (theirs, "Third")]
    ]
    async with open_access(catalog_url) as access:
        yield World(People(catalog_url, SECRET), access, catalog, ours, projects[0], projects[1], theirs, projects[2])
    await catalog.close()


def asked(token: str, query: str = "", **headers: str) -> Request:
    given = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": query.encode(), "headers": raw}
    return Request(scope, None)  # type: ignore[arg-type]  # nothing is received


async def refusal(world: World, request: Request, action: Action = Action.EVENTS_READ) -> Rejected:
    with pytest.raises(Rejected) as raised:
        await world.access.authorize(request, action)
    return raised.value


async def test_the_header_names_the_project_and_then_the_address_does(world: World) -> None:
    user, session = world.people.add(world.ours, "viewer")
    token = await world.people.token(user, session)
    by_header = await world.access.authorize(asked(token, x_project_id=str(world.second)), Action.EVENTS_READ)
    assert (by_header.project_id, by_header.kind, by_header.id, by_header.role) == (
        world.second,
        "user",
        user,
        "viewer",
    )
    request = asked(token, f"from=2026-01-01&project_id={world.first}&to=2026-01-02")
    assert (await world.access.authorize(request, Action.EVENTS_READ)).project_id == world.first
    assert request.address == "/x?from=2026-01-01&to=2026-01-02", "no query sees it"
    assert request.notes == {"sluice-project": str(world.first), "sluice-caller": f"user:{user}"}


async def test_a_users_only_project_needs_no_name(world: World) -> None:
    user, session = world.people.add(world.theirs, "editor")
    caller = await world.access.authorize(asked(await world.people.token(user, session)), Action.EXPORTS_WRITE)
    assert (caller.project_id, caller.organisation_id, caller.email) == (
        world.third,
        world.theirs,
        f"{user}@example.com",
    )


async def test_several_projects_are_listed_and_none_is_said(world: World) -> None:
    user, session = world.people.add(world.ours, "owner")
    refused = await refusal(world, asked(await world.people.token(user, session)))
    assert refused.refusal is Refusal.PROJECT_REQUIRED
    listed: Any = refused.extra["projects"]
    assert {one["id"]: one["name"] for one in listed} == {str(world.first): "First", str(world.second): "Second"}
    alone, session = world.people.add(None)
    refused = await refusal(world, asked(await world.people.token(alone, session)))
    assert (refused.refusal, refused.extra) == (Refusal.PROJECT_REQUIRED, {"projects": []})


async def test_a_strange_project_and_one_that_is_not_there_are_refused_alike(world: World) -> None:
    user, session = world.people.add(world.ours, "owner")
    token = await world.people.token(user, session)
    for project in (world.third, uuid.uuid4()):
        refused = await refusal(world, asked(token, x_project_id=str(project)))
        assert (refused.refusal, refused.detail) == (
            Refusal.PROJECT_FORBIDDEN,
            f"the project {project} is not open to you",
        )


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("project_id=nonsense", {}),
        ("", {"x_project_id": "1"}),
        (f"project_id={uuid.UUID(int=1)}&project_id={uuid.UUID(int=2)}", {}),
        (f"project_id={uuid.UUID(int=1)}", {"x_project_id": str(uuid.UUID(int=2))}),
    ],
)
async def test_a_name_that_is_no_project_is_a_bad_request(world: World, query: str, headers: dict[str, str]) -> None:
    user, session = world.people.add(world.ours, "owner")
    refused = await refusal(world, asked(await world.people.token(user, session), query, **headers))
    assert refused.refusal is Refusal.BAD_REQUEST


async def test_a_role_that_does_not_reach_is_named(world: World) -> None:
    user, session = world.people.add(world.theirs, "viewer")
    refused = await refusal(world, asked(await world.people.token(user, session)), Action.EXPORTS_WRITE)
    assert refused.refusal is Refusal.ROLE_MISSING
    assert refused.detail == "exports.write needs the role editor or admin or owner; yours is viewer"


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_token_opens_nothing(world: World, kind: str) -> None:
    user, session = world.people.add(world.theirs, "owner")
    token = (await world.people.forged(user, session))[kind]
    refused = await refusal(world, asked(token))
    assert refused.refusal in {Refusal.TOKEN_UNKNOWN, Refusal.TOKEN_EXPIRED}


@pytest.mark.parametrize(
    ("statement", "after"),
    [
        ("UPDATE users SET blocked_at = now() WHERE id = %s", Refusal.TOKEN_REVOKED),
        ("UPDATE sessions SET revoked_at = now() WHERE user_id = %s", Refusal.TOKEN_REVOKED),
        ("DELETE FROM users WHERE id = %s", Refusal.TOKEN_REVOKED),
        ("UPDATE memberships SET role = 'viewer' WHERE user_id = %s", Refusal.ROLE_MISSING),
        ("DELETE FROM memberships WHERE user_id = %s", Refusal.PROJECT_REQUIRED),
    ],
)
async def test_what_is_taken_away_is_gone_when_the_cache_is(
    world: World, statement: str, after: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "FRESH_SECONDS", 0.3)
    user, session = world.people.add(world.theirs, "admin")
    token = await world.people.token(user, session)
    await world.access.authorize(asked(token), Action.PERSONS_ERASE)
    world.people.change(statement, user)
    await asyncio.sleep(0.35)
    assert (await refusal(world, asked(token), Action.PERSONS_ERASE)).refusal is after


async def test_users_wait_five_seconds_at_most_for_what_is_taken_away() -> None:
    assert members.FRESH_SECONDS <= 5


async def test_a_key_acts_in_its_own_project_only(world: World) -> None:
    clear, key = await create_key(world.catalog, world.first, "secret", "k", scopes=("read",))
    caller = await world.access.authorize(asked(clear, f"project_id={world.first}"), Action.EVENTS_READ)
    assert (caller.kind, caller.id, caller.project_id, caller.role) == ("key", key.id, world.first, None)
    assert (await refusal(world, asked(clear, x_project_id=str(world.second)))).refusal is Refusal.PROJECT_FORBIDDEN
    assert (await refusal(world, asked(clear), Action.EXPORTS_READ)).refusal is Refusal.SCOPE_MISSING
    refused = await refusal(world, asked(clear), Action.MEMBERS_READ)
    assert refused.detail == "members.read is for people who are signed in, not for keys"


async def test_what_belongs_to_no_project_asks_for_the_user_only(world: World) -> None:
    user, session = world.people.add(world.ours, "viewer")
    member = await world.access.member(asked(await world.people.token(user, session)))
    assert (member.user_id, set(member.projects)) == (user, {world.first, world.second})
    clear, _ = await create_key(world.catalog, world.first, "secret", "k", scopes=("admin",))
    with pytest.raises(Rejected) as raised:
        await world.access.member(asked(clear))
    assert raised.value.refusal is Refusal.TOKEN_REQUIRED


async def test_a_thousand_requests_of_a_user_are_one_question(world: World) -> None:
    user, session = world.people.add(world.theirs, "viewer")
    token = await world.people.token(user, session)
    await world.access.authorize(asked(token), Action.EVENTS_READ)
    before = world.access._members._known[(user, session)]
    await asyncio.gather(*(world.access.authorize(asked(token), Action.EVENTS_READ) for _ in range(1_000)))
    assert world.access._members._known[(user, session)] is before

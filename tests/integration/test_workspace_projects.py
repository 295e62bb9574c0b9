"""Projects, their settings and their keys, with every role, with keys, and with another organisation."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.catalog.keys import find_key
from shared.security.access import open_access
from shared.security.keys import hash_key
from tests.integration.workspaces import Person, Workspace, environment, running

PROJECTS = "/api/v1/projects"
ROLES = ("owner", "admin", "editor", "viewer")


@pytest.fixture
async def workspace(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in environment(catalog_url).items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


async def organisation_of(owner: Person) -> str:
    found: str = (await owner.json("POST", "/api/v1/organisations", {"name": "Acme"}, status=201))["id"]
    return found


async def made(owner: Person, **settings: Any) -> dict[str, Any]:
    found: dict[str, Any] = await owner.json("POST", PROJECTS, {"name": "Shop", **settings}, status=201)
    return found


async def test_a_new_project_comes_with_keys_that_are_shown_once(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await organisation_of(owner)
    body = {"name": "Shop", "timezone": "Europe/Berlin"}
    project = await owner.json("POST", PROJECTS, body, status=201, idempotency_key="one")
    assert (project["organisation_id"], project["timezone"]) == (organisation, "Europe/Berlin")
    write, secret = project["keys"]["write"], project["keys"]["secret"]
    assert write["key"].startswith("slp_")
    assert (write["scopes"], secret["scopes"]) == (["ingest"], ["export", "ingest", "read"])
    again = await owner.json("POST", PROJECTS, body, status=201, idempotency_key="one")
    assert (again["id"], again["keys"]) == (project["id"], None)
    listed = await owner.json("GET", PROJECTS)
    assert [item["id"] for item in listed["items"]] == [project["id"]]
    assert secret["key"] not in json.dumps(await owner.json("GET", f"{PROJECTS}/{project['id']}/keys"))
    async with open_access(workspace.url) as access:
        assert str((await access.require_key(write["key"], "ingest")).project_id) == project["id"]
    logged = str(workspace.sql("SELECT audit_log::text FROM audit_log"))
    assert secret["key"][8:] not in logged
    assert write["key"][8:] not in logged


async def test_who_has_several_organisations_says_which(workspace: Workspace) -> None:
    owner = await workspace.person()
    first, second = await organisation_of(owner), await organisation_of(owner)
    reply = await owner.ask("POST", PROJECTS, {"name": "Shop"})
    problem = json.loads(reply.body)
    assert (reply.status, problem["code"]) == (409, "organisation_required")
    assert {item["id"] for item in problem["organisations"]} == {first, second}
    assert (await made(owner, organisation_id=second))["organisation_id"] == second
    assert await (await workspace.person()).refused("POST", PROJECTS, {"name": "x"}) == "organisation_required"


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_do_with_a_project(workspace: Workspace, role: str) -> None:
    owner = await workspace.person()
    organisation = await organisation_of(owner)
    project = await made(owner)
    member, at = await workspace.joined(organisation, role), f"{PROJECTS}/{project['id']}"
    asked = {
        "read": await member.ask("GET", at),
        "change": await member.ask("PATCH", at, {"name": "Shop"}),
        "retain": await member.ask("PATCH", at, {"retention_days": 30}),
        "list keys": await member.ask("GET", f"{at}/keys"),
        "make keys": await member.ask("POST", f"{at}/keys", {"name": "k", "scopes": ["admin"]}),
        "make projects": await member.ask("POST", PROJECTS, {"name": "P2", "organisation_id": organisation}),
        "delete": await member.ask("DELETE", at, {"name": "Shop"}),
    }
    allowed = {name for name, reply in asked.items() if reply.status < 300}
    assert allowed == (set(asked) if role in {"owner", "admin"} else {"read"})
    assert {json.loads(reply.body)["code"] for reply in asked.values() if reply.status >= 300} <= {"role_missing"}


async def test_another_organisations_project_is_as_closed_as_none(workspace: Workspace) -> None:
    owner, stranger = await workspace.person(), await workspace.person()
    await organisation_of(owner)
    await organisation_of(stranger)
    project, theirs = await made(owner), await made(stranger)
    missing = "00000000-0000-4000-8000-000000000000"
    for one in (project["id"], missing):
        for method, path, body in (
            ("GET", "", None),
            ("PATCH", "", {"name": "x"}),
            ("DELETE", "", {"name": "Shop"}),
            ("GET", "/keys", None),
            ("POST", "/keys", {"name": "k", "scopes": ["read"]}),
        ):
            assert await stranger.refused(method, f"{PROJECTS}/{one}{path}", body) == "project_forbidden"
            key = workspace.holder(theirs["keys"]["secret"]["key"])
            assert await key.refused(method, f"{PROJECTS}/{one}{path}", body) in {"project_forbidden", "scope_missing"}
    key_id = project["keys"]["secret"]["id"]
    own = f"{PROJECTS}/{theirs['id']}/keys/{key_id}"
    assert await stranger.refused("DELETE", own) == "not_found"
    assert await stranger.refused("POST", f"{own}/rotate") == "not_found"


async def test_settings_are_checked_and_change_what_holds_for_keys(workspace: Workspace) -> None:
    owner = await workspace.person()
    await organisation_of(owner)
    project = await made(owner)
    at = f"{PROJECTS}/{project['id']}"
    wanted = {"timezone": "Asia/Tokyo", "allowed_origins": ["https://Shop.example/", "https://*.b.example"]}
    changed = await owner.json("PATCH", at, {**wanted, "ip_mode": "drop", "retention_days": 90})
    assert changed["allowed_origins"] == ["https://shop.example", "https://*.b.example"]
    key = await find_key(workspace.catalog, hash_key(project["keys"]["write"]["key"]))
    assert key is not None
    assert (key.timezone, key.ip_mode) == ("Asia/Tokyo", "drop")
    assert key.allowed_origins == ("https://shop.example", "https://*.b.example")
    cleared = await owner.json("PATCH", at, {"retention_days": None, "ip_mode": None})
    assert (cleared["retention_days"], cleared["ip_mode"], cleared["timezone"]) == (None, None, "Asia/Tokyo")
    for body, code in (
        ({"timezone": "Mars/Base"}, "bad_timezone"),
        ({"allowed_origins": ["shop.example"]}, "bad_request"),
        ({"allowed_origins": ["https://a/path"]}, "bad_request"),
        ({"ip_mode": "hash"}, "bad_request"),
        ({"retention_days": 0}, "bad_request"),
        ({"colour": "red"}, "unknown_field"),
    ):
        assert await owner.refused("PATCH", at, body) == code


async def test_a_deleted_project_is_hidden_and_its_keys_end_and_it_can_come_back(workspace: Workspace) -> None:
    owner = await workspace.person()
    await organisation_of(owner)
    project = await made(owner)
    at, secret = f"{PROJECTS}/{project['id']}", project["keys"]["secret"]["key"]
    assert await owner.refused("DELETE", at, {"name": "shop"}) == "conflict"
    await owner.json("DELETE", at, {"name": "Shop"})
    assert (await owner.json("GET", PROJECTS))["items"] == []
    assert await owner.refused("GET", at) == "project_forbidden"
    assert await workspace.holder(secret).refused("GET", PROJECTS) == "key_revoked"
    assert [item["id"] for item in (await owner.json("GET", f"{PROJECTS}?deleted=true"))["items"]] == [project["id"]]
    await owner.json("POST", f"{at}/restore")
    assert (await owner.json("GET", at))["deleted_at"] is None
    assert await workspace.holder(secret).refused("GET", PROJECTS) == "key_revoked"


async def test_a_key_cannot_give_more_than_it_has(workspace: Workspace) -> None:
    owner = await workspace.person()
    await organisation_of(owner)
    project = await made(owner)
    keys = f"{PROJECTS}/{project['id']}/keys"
    admin = await owner.json("POST", keys, {"name": "a", "scopes": ["admin"]}, status=201)
    holder = workspace.holder(admin["key"])
    await holder.json("POST", keys, {"name": "b", "scopes": ["admin"]}, status=201)
    for scopes in (["read"], ["export"], ["admin", "read"]):
        assert await holder.refused("POST", keys, {"name": "c", "scopes": scopes}) == "scope_missing"
    await holder.json("POST", keys, {"name": "c", "kind": "public"}, status=201)  # sending is what keys are for
    # Rotating or prolonging another key would hand out what that one may do.
    reads = project["keys"]["secret"]["id"]
    assert await holder.refused("POST", f"{keys}/{reads}/rotate") == "scope_missing"
    assert await holder.refused("PATCH", f"{keys}/{reads}", {"expires_at": None}) == "scope_missing"
    reader = workspace.holder(project["keys"]["secret"]["key"])
    assert await reader.refused("POST", keys, {"name": "c", "scopes": ["read"]}) == "scope_missing"
    assert await holder.refused("POST", PROJECTS, {"name": "another"}) == "token_required"


async def test_a_rotated_key_and_its_successor_are_both_taken_for_the_overlap(workspace: Workspace) -> None:
    owner = await workspace.person()
    await organisation_of(owner)
    project = await made(owner)
    keys, old = f"{PROJECTS}/{project['id']}/keys", project["keys"]["secret"]
    new = await owner.json("POST", f"{keys}/{old['id']}/rotate", {"overlap_hours": 2}, status=201, idempotency_key="r")
    again = await owner.json(
        "POST", f"{keys}/{old['id']}/rotate", {"overlap_hours": 2}, status=201, idempotency_key="r"
    )
    assert (again["id"], again["key"]) == (new["id"], None)
    assert (new["scopes"], new["rotated_from"], new["expires_at"]) == (old["scopes"], old["id"], None)
    assert (await owner.json("GET", f"{keys}/{old['id']}"))["expires_at"] is not None
    async with open_access(workspace.url) as access:
        for clear in (old["key"], new["key"]):
            await access.require_key(clear, "read")
    at_once = await owner.json("POST", f"{keys}/{new['id']}/rotate", {"overlap_hours": 0}, status=201)
    assert (await owner.json("GET", f"{keys}/{new['id']}"))["revoked_at"] is not None
    assert await owner.refused("POST", f"{keys}/{new['id']}/rotate") == "conflict"
    revoked = await owner.json("DELETE", f"{keys}/{at_once['id']}")
    assert (await owner.json("DELETE", f"{keys}/{at_once['id']}"))["revoked_at"] == revoked["revoked_at"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "k"},
        {"name": "k", "scopes": ["everything"]},
        {"name": "k", "kind": "public", "scopes": ["read"]},
        {"name": "k", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "k", "scopes": ["read"], "expires_at": "2100-01-01T00:00:00"},
    ],
)
async def test_a_key_that_cannot_be_is_refused(workspace: Workspace, body: object) -> None:
    owner = await workspace.person()
    await organisation_of(owner)
    project = await made(owner)
    assert await owner.refused("POST", f"{PROJECTS}/{project['id']}/keys", body) == "bad_request"


async def test_every_change_is_on_record_for_owners_page_by_page_and_as_a_file(workspace: Workspace) -> None:
    owner = await workspace.person("owner@example.org")
    organisation = await organisation_of(owner)
    project = await made(owner)
    await owner.json("PATCH", f"{PROJECTS}/{project['id']}", {"name": "=Shop 2"}, x_request_id="r-1")
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await owner.json("GET", "/api/v1/audit?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        found += page["items"]
        cursor = page["next_cursor"]
    assert [item["action"] for item in found] == ["project.changed", "project.created", "organisation.created"]
    changed = found[0]
    assert (changed["actor_name"], changed["request_id"], changed["address"]) == (
        "owner@example.org",
        "r-1",
        "192.0.2.7",
    )
    assert (changed["before"]["name"], changed["after"]["name"]) == ("Shop", "=Shop 2")
    assert changed["target"] == f"project:{project['id']}"
    by = await owner.json("GET", f"/api/v1/audit?action=project&project={project['id']}&actor=owner@example.org")
    assert len(by["items"]) == 2
    lines = (await owner.ask("GET", "/api/v1/audit/export?limit=2")).body.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [3, 2]
    sheet = await owner.ask("GET", "/api/v1/audit/export?format=csv")
    assert sheet.content_type.startswith("text/csv")
    assert len(sheet.body.splitlines()) == 5  # the export before is on record as well
    sound = await owner.json("GET", f"/api/v1/audit/verify?organisation_id={organisation}")
    assert (sound["sound"], sound["rows"]) == (True, 5)


async def test_one_request_repeated_at_once_makes_one_project(workspace: Workspace) -> None:
    owner = await workspace.person()
    await organisation_of(owner)
    replies = await asyncio.gather(
        *(owner.json("POST", PROJECTS, {"name": "P"}, status=201, idempotency_key="same") for _ in range(5))
    )
    assert len({reply["id"] for reply in replies}) == 1
    assert sum(reply["keys"] is not None for reply in replies) == 1


async def test_a_projects_limits_are_shown_with_whose_they_are(workspace: Workspace) -> None:
    owner, stranger = await workspace.person(), await workspace.person()
    await organisation_of(owner)
    project = (await made(owner))["id"]
    limits = await owner.json("GET", f"{PROJECTS}/{project}/limits")
    assert (limits["events_per_day"], limits["own"], limits["read_user_rate"]) == (None, [], "3000/minute")
    workspace.sql(
        "INSERT INTO project_limits (project_id, events_per_day, query_rows) VALUES (%s, 1000, 0)", uuid.UUID(project)
    )
    limits = await owner.json("GET", f"{PROJECTS}/{project}/limits")
    assert (limits["events_per_day"], limits["query_rows"]) == (1000, None)
    assert limits["own"] == ["events_per_day", "query_rows"]
    assert limits["events_today"] is None, "there is no cache here"
    assert await stranger.refused("GET", f"{PROJECTS}/{project}/limits") == "project_forbidden"

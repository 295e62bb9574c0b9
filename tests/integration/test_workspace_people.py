"""Organisations, members, invitations and users, with every role and another organisation."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.events import CONTROL_TOPIC
from shared.security.keys import new_key
from tests.integration.workspaces import Person, Workspace, environment, running

ORGANISATIONS = "/api/v1/organisations"
ROLES = ("owner", "admin", "editor", "viewer")


@pytest.fixture
async def workspace(catalog_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    for name, value in environment(catalog_url).items():
        monkeypatch.setenv(name, value)
    async with running(catalog_url) as found:
        yield found


async def made(owner: Person, name: str = "Acme") -> str:
    found: str = (await owner.json("POST", ORGANISATIONS, {"name": name}, status=201))["id"]
    return found


async def test_whoever_makes_an_organisation_owns_it_and_lists_only_their_own(workspace: Workspace) -> None:
    owner, other = await workspace.person(), await workspace.person()
    mine = await owner.json("POST", ORGANISATIONS, {"name": "Acme"}, status=201)
    await made(other, "Other")
    assert (mine["name"], mine["role"]) == ("Acme", "owner")
    listed = await owner.json("GET", ORGANISATIONS)
    assert [item["id"] for item in listed["items"]] == [mine["id"]]
    renamed = await owner.json("PATCH", f"{ORGANISATIONS}/{mine['id']}", {"name": "Acme 2"})
    assert renamed["name"] == "Acme 2"


async def test_an_organisation_is_made_once_for_one_idempotency_key(workspace: Workspace) -> None:
    owner = await workspace.person()
    first = await owner.json("POST", ORGANISATIONS, {"name": "A"}, status=201, idempotency_key="k")
    again = await owner.json("POST", ORGANISATIONS, {"name": "A"}, status=201, idempotency_key="k")
    assert first["id"] == again["id"]
    assert await owner.refused("POST", ORGANISATIONS, {"name": "B"}, idempotency_key="k") == "idempotency_key_reused"
    other = await workspace.person()
    assert (await other.json("POST", ORGANISATIONS, {"name": "A"}, status=201, idempotency_key="k"))["id"] != first[
        "id"
    ]


async def test_organisations_are_listed_page_by_page(workspace: Workspace) -> None:
    owner = await workspace.person()
    ids = [await made(owner, f"o{number}") for number in range(5)]
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await owner.json("GET", f"{ORGANISATIONS}?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == ids


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_do_in_its_organisation(workspace: Workspace, role: str) -> None:
    organisation = await made(await workspace.person())
    member, somebody = await workspace.joined(organisation, role), await workspace.joined(organisation, "viewer")
    at = f"{ORGANISATIONS}/{organisation}"
    administers = role in {"owner", "admin"}
    asked = {
        "rename": await member.ask("PATCH", at, {"name": "New"}),
        "read": await member.ask("GET", f"{at}/members"),
        "invite": await member.ask("POST", f"{at}/invitations", {"email": "a@b.org"}),
        "promote": await member.ask("PATCH", f"{at}/members/{somebody.id}", {"role": "editor"}),
        "make an owner": await member.ask("PATCH", f"{at}/members/{somebody.id}", {"role": "owner"}),
        "invite an owner": await member.ask("POST", f"{at}/invitations", {"email": "c@d.org", "role": "owner"}),
        "audit": await member.ask("GET", f"/api/v1/audit?organisation_id={organisation}"),
        "users": await member.ask("GET", f"/api/v1/users?organisation_id={organisation}"),
    }
    allowed = {name for name, reply in asked.items() if reply.status < 300}
    expected = {"read"}
    if administers:
        expected |= {"rename", "invite", "promote", "users"}
    if role == "owner":
        expected |= {"make an owner", "invite an owner", "audit"}
    assert allowed == expected
    refused = {json.loads(reply.body)["code"] for reply in asked.values() if reply.status >= 300}
    assert refused <= {"role_missing"}


async def test_another_organisation_is_as_closed_as_one_that_is_not_there(workspace: Workspace) -> None:
    stranger, organisation = await workspace.person(), await made(await workspace.person())
    await made(stranger)
    missing = "00000000-0000-4000-8000-000000000000"
    for path in ("", "/members", "/invitations"):
        codes = [await stranger.refused("GET", f"{ORGANISATIONS}/{one}{path}") for one in (organisation, missing)]
        assert codes == ["role_missing", "role_missing"]
    assert await stranger.refused("GET", f"{ORGANISATIONS}/no-id") == "not_found"
    reply = await workspace.anybody().ask("GET", ORGANISATIONS)
    assert (reply.status, json.loads(reply.body)["code"]) == (401, "token_missing")
    assert reply.headers["www-authenticate"] == 'Bearer realm="sluice"'
    assert await workspace.holder("no key at all").refused("GET", ORGANISATIONS) == "token_unknown"
    assert await workspace.holder(new_key("secret")).refused("GET", ORGANISATIONS) == "token_required"


async def test_an_admin_cannot_touch_an_owner(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    admin = await workspace.joined(organisation, "admin")
    at = f"{ORGANISATIONS}/{organisation}/members/{owner.id}"
    assert await admin.refused("PATCH", at, {"role": "viewer"}) == "role_missing"
    assert await admin.refused("DELETE", at) == "role_missing"
    assert await admin.refused("PATCH", f"/api/v1/users/{owner.id}", {"blocked": True}) == "role_missing"
    mine = f"{ORGANISATIONS}/{organisation}/members/{admin.id}"
    assert await admin.refused("PATCH", mine, {"role": "owner"}) == "role_missing"


async def test_the_last_owner_stays_one(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    await workspace.joined(organisation, "admin")
    at = f"{ORGANISATIONS}/{organisation}/members/{owner.id}"
    assert await owner.refused("DELETE", at) == "last_owner"
    assert await owner.refused("PATCH", at, {"role": "admin"}) == "last_owner"
    second = await workspace.joined(organisation, "owner")
    workspace.sql("UPDATE users SET blocked_at = now() WHERE id = %s RETURNING id", second.id)
    assert await owner.refused("DELETE", at) == "last_owner"  # who cannot sign in cannot own


async def test_of_two_owners_who_leave_at_once_one_stays(workspace: Workspace) -> None:
    for attempt in range(6):
        first = await workspace.person()
        organisation = await made(first)
        second = await workspace.joined(organisation, "owner")
        at = f"{ORGANISATIONS}/{organisation}/members"
        if attempt % 2:
            asked = [first.ask("DELETE", f"{at}/{first.id}"), second.ask("DELETE", f"{at}/{second.id}")]
        else:  # each takes the other's role
            asked = [
                first.ask("PATCH", f"{at}/{second.id}", {"role": "viewer"}),
                second.ask("PATCH", f"{at}/{first.id}", {"role": "viewer"}),
            ]
        statuses = sorted([reply.status for reply in await asyncio.gather(*asked)])
        assert statuses[0] < 300 <= statuses[1] < 500
        owners = "SELECT count(*) FROM memberships WHERE organisation_id = %s AND role = 'owner'"
        assert workspace.sql(owners, organisation) == [(1,)]


async def invited(owner: Person, organisation: str, email: str, **more: Any) -> dict[str, Any]:
    body = {"email": email, **more}
    found: dict[str, Any] = await owner.json("POST", f"{ORGANISATIONS}/{organisation}/invitations", body, status=201)
    return found


def token_of(invitation: dict[str, Any]) -> dict[str, str]:
    return {"token": invitation["link"].partition("token=")[2]}


ACCEPT = "/api/v1/invitations/accept"


async def test_an_invitation_is_mailed_and_accepted_once_by_its_address(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    sent = await invited(owner, organisation, "New@Example.org", role="editor", language="ru")
    assert (sent["mailed"], sent["state"], sent["email"]) == (True, "open", "new@example.org")
    assert sent["link"].startswith("https://analytics.example/app/invitation#token=sli_")
    subscription = await workspace.service._ports._ports.bus.subscribe(CONTROL_TOPIC, "test")  # type: ignore[union-attr]
    [mail] = await subscription.take(1, 0.1)
    asked = json.loads(mail.message.data)
    assert (asked["template"], asked["emails"], asked["language"]) == ("invitation", ["new@example.org"], "ru")
    assert asked["values"]["link"] == sent["link"]
    offer = await workspace.anybody().json("POST", "/api/v1/invitations/show", token_of(sent))
    assert (offer["organisation"], offer["role"]) == ("Acme", "editor")
    foreign = await workspace.person()
    assert await foreign.refused("POST", ACCEPT, token_of(sent)) == "wrong_account"
    person = await workspace.person("NEW@example.org")
    accepted = await person.json("POST", ACCEPT, token_of(sent))
    assert accepted == {"organisation_id": organisation, "role": "editor"}
    assert await person.refused("POST", ACCEPT, token_of(sent)) == "gone"
    assert await workspace.anybody().refused("POST", "/api/v1/invitations/show", token_of(sent)) == "gone"
    assert await person.refused("POST", ACCEPT, {"token": "made-up"}) == "not_found"
    assert (await person.json("GET", ORGANISATIONS))["items"][0]["role"] == "editor"
    kept = str(workspace.sql("SELECT invitations::text FROM invitations"))
    assert token_of(sent)["token"] not in kept


async def test_an_invitation_accepted_twice_at_once_makes_one_member(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    sent = await invited(owner, organisation, "twice@example.org")
    person = await workspace.person("twice@example.org")
    replies = await asyncio.gather(*(person.ask("POST", ACCEPT, token_of(sent)) for _ in range(4)))
    assert sorted(reply.status for reply in replies) == [200, 410, 410, 410]


async def test_an_invitation_that_is_over_opens_nothing(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    at = f"{ORGANISATIONS}/{organisation}/invitations"
    person = await workspace.person("late@example.org")
    expired = await invited(owner, organisation, "late@example.org")
    workspace.sql("UPDATE invitations SET expires_at = now() RETURNING id")
    assert await person.refused("POST", ACCEPT, token_of(expired)) == "gone"
    # An expired one is in nobody's way, and sending again gives it a new link while the old one ends.
    fresh = await invited(owner, organisation, "late@example.org")
    assert await owner.refused("POST", at, {"email": "LATE@example.org"}) == "conflict"
    again = await owner.json("POST", f"{at}/{fresh['id']}/resend")
    assert await person.refused("POST", ACCEPT, token_of(fresh)) == "not_found"
    revoked = await owner.json("DELETE", f"{at}/{fresh['id']}")
    assert revoked["state"] == "revoked"
    assert await person.refused("POST", ACCEPT, token_of(again)) == "gone"
    assert await owner.refused("POST", f"{at}/{fresh['id']}/resend") == "conflict"
    states = [item["state"] for item in (await owner.json("GET", at))["items"]]
    assert states == ["revoked", "revoked"]


async def test_members_are_not_invited_again_and_another_organisations_invitation_is_unknown(
    workspace: Workspace,
) -> None:
    owner, other = await workspace.person(), await workspace.person("in@example.org")
    organisation, theirs = await made(owner), await made(other)
    sent = await invited(owner, organisation, "in@example.org")
    await other.json("POST", ACCEPT, token_of(sent))
    at = f"{ORGANISATIONS}/{organisation}/invitations"
    assert await owner.refused("POST", at, {"email": "in@example.org"}) == "conflict"
    assert await other.refused("DELETE", f"{ORGANISATIONS}/{theirs}/invitations/{sent['id']}") == "not_found"


async def test_administrators_find_and_block_their_people(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    person = await workspace.joined(organisation, "viewer")
    for path in ("/users/", "/api/v1/users"):
        found = await owner.json("GET", f"{path}?search={person.headers['x-test-email'][:8].upper()}")
        assert [item["id"] for item in found["items"]] == [str(person.id)]
    assert found["items"][0]["memberships"] == [{"organisation_id": organisation, "role": "viewer"}]
    blocked = await owner.json("PATCH", f"/api/v1/users/{person.id}", {"blocked": True})
    assert blocked["blocked"] is True
    changed = {"role": "editor", "organisation_id": organisation}
    assert (await owner.json("PATCH", f"/api/v1/users/{person.id}", changed))["memberships"][0]["role"] == "editor"
    assert await owner.refused("PATCH", f"/api/v1/users/{owner.id}", {"blocked": True}) == "conflict"
    stranger = await workspace.person()
    await made(stranger)
    assert await stranger.refused("GET", f"/api/v1/users/{person.id}") == "not_found"
    assert await person.refused("GET", "/api/v1/users") in {"role_missing", "token_revoked"}


async def test_administrators_sign_somebody_out_and_end_a_lost_second_factor(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    person = await workspace.joined(organisation, "viewer")
    at = f"/api/v1/users/{person.id}"
    shown = await owner.json("GET", at)
    assert (shown["sessions"], shown["second_factor"], bool(shown["last_sign_in_at"])) == (1, False, True)
    assert await owner.refused("DELETE", f"{at}/second-factor") == "conflict"
    assert await owner.json("DELETE", f"{at}/sessions") == {"ended": 1}
    assert await person.refused("GET", ORGANISATIONS) == "token_revoked"
    workspace.sql("UPDATE users SET totp_secret = 'x', totp_confirmed_at = now() WHERE id = %s", person.id)
    assert (await owner.json("GET", at))["second_factor"] is True
    assert (await owner.json("DELETE", f"{at}/second-factor"))["second_factor"] is False
    logged = (await owner.json("GET", f"/api/v1/audit?target=user:{person.id}"))["items"]
    assert [one["action"] for one in logged] == ["second_factor.reset", "session.ended"]


async def test_what_is_done_to_an_account_needs_every_role_it_holds(workspace: Workspace) -> None:
    owner, other = await workspace.person(), await workspace.person()
    organisation = await made(owner)
    admin, person = await workspace.joined(organisation, "admin"), await workspace.joined(organisation, "viewer")
    await made(other)
    await made(person, "Their own")
    found = {one["id"]: one["manageable"] for one in (await owner.json("GET", "/api/v1/users"))["items"]}
    assert found == {str(owner.id): False, str(admin.id): True, str(person.id): False}
    assert (await admin.json("GET", f"/api/v1/users/{owner.id}"))["manageable"] is False
    for what in ("sessions", "second-factor"):
        assert await owner.refused("DELETE", f"/api/v1/users/{owner.id}/{what}") == "conflict"
        assert await admin.refused("DELETE", f"/api/v1/users/{owner.id}/{what}") == "role_missing"
        assert await owner.refused("DELETE", f"/api/v1/users/{person.id}/{what}") == "role_missing"
        assert await other.refused("DELETE", f"/api/v1/users/{admin.id}/{what}") == "not_found"


async def test_nobody_is_blocked_out_of_an_organisation_that_is_not_the_blockers(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    person = await workspace.joined(organisation, "viewer")
    await made(person, "Their own")
    assert await owner.refused("PATCH", f"/api/v1/users/{person.id}", {"blocked": True}) == "role_missing"


async def test_an_organisation_with_projects_is_not_ended(workspace: Workspace) -> None:
    owner = await workspace.person()
    organisation = await made(owner)
    await owner.json("POST", "/api/v1/projects", {"name": "P"}, status=201)
    at = f"{ORGANISATIONS}/{organisation}"
    assert await owner.refused("DELETE", at) == "conflict"
    workspace.sql("DELETE FROM api_keys RETURNING id")
    workspace.sql("DELETE FROM projects RETURNING id")
    await owner.json("DELETE", at, status=204)
    assert (await owner.json("GET", ORGANISATIONS))["items"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "bad_request"),
        ({"name": ""}, "bad_request"),
        ({"name": " "}, "bad_request"),
        ({"name": "x" * 201}, "bad_request"),
        ({"name": "a\nb"}, "bad_request"),
        ({"name": "a", "owner": "me"}, "unknown_field"),
        ({"name": "nul\0"}, "bad_text"),
        (["name"], "bad_request"),
    ],
)
async def test_a_body_that_is_none_is_refused(workspace: Workspace, body: object, code: str) -> None:
    assert await (await workspace.person()).refused("POST", ORGANISATIONS, body) == code

"""Registering by an invitation's link: one step from the mail to being a member."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from shared.catalog.client import Catalog
from shared.catalog.projects import create_organisation
from shared.security.sessions import digest
from tests.integration.accounts import PASSWORD, Auth, running


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url, SLUICE_REGISTRATION="invited") as found:
        yield found


async def invited(auth: Auth, email: str, role: str = "editor") -> tuple[str, str]:
    """The organisation and the token of a new invitation."""
    catalog = Catalog(auth.url)
    try:
        organisation = str((await create_organisation(catalog, "Acme"))["id"])
    finally:
        await catalog.close()
    token = f"sli_{uuid.uuid4().hex}"
    auth.sql(
        "INSERT INTO invitations (id, organisation_id, email, role, language, token_hash, expires_at)"
        " VALUES (%s, %s, %s, %s, 'en', %s, now() + interval '1 day')",
        uuid.uuid4(),
        organisation,
        email,
        role,
        digest(token),
    )
    return organisation, token


async def test_whoever_registers_by_an_invitation_is_a_member_and_makes_no_organisation(auth: Auth) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    organisation, token = await invited(auth, email)
    asked = {"email": email.upper(), "password": PASSWORD, "invitation": token}
    await auth.json("POST", "/register", asked, status=201)
    me = await auth.json("GET", "/me", token=(await auth.login(email))["access_token"])
    assert [(one["id"], one["role"]) for one in me["organisations"]] == [(organisation, "editor")]
    assert me["email_verified"] is False  # whoever invited had the link, too
    actions = auth.sql("SELECT action FROM audit_log WHERE organisation_id = %s ORDER BY seq", organisation)
    assert actions[:2] == [("user.registered",), ("member.joined",)]
    assert await auth.refused("POST", "/register", asked) == (410, "gone")


async def test_an_invitation_opens_for_its_own_address_and_while_it_is_open(auth: Auth) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    _, token = await invited(auth, email)
    asked = {"email": email, "password": PASSWORD, "invitation": token}
    assert await auth.refused("POST", "/register", {**asked, "email": f"x{email}"}) == (403, "wrong_account")
    assert await auth.refused("POST", "/register", {**asked, "invitation": "sli_made-up"}) == (404, "not_found")
    assert await auth.refused("POST", "/register", {**asked, "organisation": "Mine"}) == (400, "bad_request")
    auth.sql("UPDATE invitations SET expires_at = now() WHERE email = %s", email)
    assert await auth.refused("POST", "/register", asked) == (410, "gone")
    assert auth.sql("SELECT 1 FROM users WHERE email = %s", email) == []


async def test_an_address_with_an_account_gets_the_same_answer_and_its_invitation_stays_open(auth: Auth) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    _, first = await invited(auth, email)
    asked = {"email": email, "password": PASSWORD, "invitation": first}
    fresh = await auth.json("POST", "/register", asked, status=201)
    organisation, second = await invited(auth, email)
    known = {**asked, "invitation": second, "password": "another good password"}
    assert await auth.json("POST", "/register", known, status=201) == fresh
    assert auth.sql("SELECT accepted_at FROM invitations WHERE organisation_id = %s", organisation) == [(None,)]
    await auth.login(email)  # the password is the one from before


async def test_an_invitation_used_many_times_at_once_makes_one_account(auth: Auth) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    organisation, token = await invited(auth, email)
    asked = {"email": email, "password": PASSWORD, "invitation": token}
    replies = await asyncio.gather(*(auth.ask("POST", "/register", asked) for _ in range(4)))
    assert {reply.status for reply in replies} <= {201, 410}
    assert auth.sql("SELECT count(*) FROM memberships WHERE organisation_id = %s", organisation) == [(1,)]
    assert auth.sql("SELECT count(*) FROM users WHERE email = %s", email) == [(1,)]


async def test_sessions_come_in_pages(auth: Auth) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    _, token = await invited(auth, email)
    await auth.json("POST", "/register", {"email": email, "password": PASSWORD, "invitation": token}, status=201)
    clear = [(await auth.login(email))["access_token"] for _ in range(3)][-1]
    seen, cursor = [], ""
    while True:
        page = await auth.json("GET", f"/sessions?limit=2{cursor}", token=clear)
        seen += [one["id"] for one in page["sessions"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 3
    assert (await auth.refused("GET", "/sessions?limit=0", token=clear))[0] == 422

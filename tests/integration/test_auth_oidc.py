"""Signing in with an OpenID Connect provider: a real one over HTTP, small, and bent where it should be refused."""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.http import Reply
from tests.integration.accounts import PASSWORD, Auth, running
from tests.integration.oidc_provider import CLIENT, SECRET, OidcProvider


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    provider = OidcProvider().start()
    provider.person["sub"] = uuid.uuid4().hex
    provider.person["email"] = f"{uuid.uuid4().hex[:12]}@example.org"
    yield provider
    provider.stop()


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str, provider: OidcProvider) -> AsyncIterator[Auth]:
    more = {
        "SLUICE_OIDC_ISSUER": provider.issuer,
        "SLUICE_OIDC_CLIENT_ID": CLIENT,
        "SLUICE_OIDC_CLIENT_SECRET": SECRET,
    }
    async with running(catalog_url, login_cache_url, **more) as auth:
        yield auth


async def begun(auth: Auth, return_to: str = "/app/") -> str:
    """The address the provider sends the browser back to."""
    reply = await auth.ask("GET", f"/oidc/start?return_to={return_to}")
    assert reply.status == 303, reply.body
    [cookie] = auth.set_cookies
    assert {"HttpOnly", "SameSite=lax", "Path=/api/v1/auth/oidc"} <= set(cookie.split("; "))
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(reply.headers["location"])
    back: str = answer.headers["location"]
    assert back.startswith("http://localhost:8080/api/v1/auth/oidc/callback?")
    return "/oidc/callback?" + back.partition("?")[2]


async def signed_in(auth: Auth) -> dict[str, Any]:
    """Who the browser is signed in as after a round to the provider."""
    reply = await auth.ask("GET", await begun(auth, "/app/people?tab=a"))
    assert (reply.status, reply.headers["location"]) == (303, "/app/people?tab=a"), reply.body
    tokens = await auth.json("POST", "/refresh", {}, headers={"x-csrf-token": auth.cookies["sluice_csrf"]})
    me: dict[str, Any] = await auth.json("GET", "/me", token=tokens["access_token"])
    return me


async def refused_round(auth: Auth) -> tuple[int, str]:
    return await auth.refused("GET", await begun(auth))


async def test_somebody_new_gets_an_account_and_the_same_one_again(auth: Auth, provider: OidcProvider) -> None:
    me = await signed_in(auth)
    assert (me["email"], me["name"], me["email_verified"]) == (provider.person["email"], "Ada", True)
    assert [one["role"] for one in me["organisations"]] == ["owner"]
    provider.person["email"] = "moved@example.org"
    provider.kid = "2"
    provider.key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    assert (await signed_in(auth))["id"] == me["id"]


async def test_an_account_that_confirmed_the_address_is_the_same_person(auth: Auth, provider: OidcProvider) -> None:
    provider.person["email"] = await auth.account()
    await auth.json("POST", "/email/verify", {"token": await auth.mailed_token()})
    assert (await signed_in(auth))["has_password"]


async def test_an_account_that_never_confirmed_the_address_is_not_handed_over(
    auth: Auth, provider: OidcProvider
) -> None:
    provider.person["email"] = await auth.account()
    assert await refused_round(auth) == (409, "conflict")


async def test_an_address_the_provider_does_not_vouch_for_is_nobodys(auth: Auth, provider: OidcProvider) -> None:
    for verified in (False, "true", None):
        provider.person["email_verified"] = verified
        assert await refused_round(auth) == (401, "bad_credentials")


async def test_a_blocked_user_is_not_let_in(auth: Auth, provider: OidcProvider) -> None:
    await signed_in(auth)
    auth.sql("UPDATE users SET blocked_at = now() WHERE email = %s", provider.person["email"])
    assert await refused_round(auth) == (403, "account_blocked")


async def test_an_answer_is_good_once_and_in_its_own_browser_only(auth: Auth) -> None:
    address = await begun(auth)
    browser = auth.cookies.pop("sluice_oidc")
    assert await auth.refused("GET", address) == (403, "bad_link")
    auth.cookies["sluice_oidc"] = "another browser"
    assert await auth.refused("GET", address) == (403, "bad_link")
    auth.cookies["sluice_oidc"] = browser
    first: Reply = await auth.ask("GET", address)
    assert first.status == 303
    auth.cookies["sluice_oidc"] = browser
    assert await auth.refused("GET", address) == (403, "bad_link")


async def test_a_code_of_another_sign_in_is_refused_by_pkce(auth: Auth) -> None:
    other = httpx.QueryParams((await begun(auth)).partition("?")[2])
    mine = httpx.QueryParams((await begun(auth)).partition("?")[2])
    mixed = f"/oidc/callback?{mine.set('code', other['code'])}"
    assert await auth.refused("GET", mixed) == (401, "bad_credentials")


async def test_an_answer_of_another_issuer_is_refused(auth: Auth) -> None:
    back = httpx.QueryParams((await begun(auth)).partition("?")[2])
    mixed = f"/oidc/callback?{back.set('iss', 'https://evil.example')}"
    assert await auth.refused("GET", mixed) == (401, "bad_credentials")


@pytest.mark.parametrize(
    "bent",
    [
        {"nonce": "another"},
        {"aud": "another client"},
        {"aud": ["sluice", "another client"], "azp": "another client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": None},
    ],
)
async def test_an_id_token_that_is_not_ours_is_refused(
    auth: Auth, provider: OidcProvider, bent: dict[str, Any]
) -> None:
    provider.bend = lambda claims: {name: value for name, value in {**claims, **bent}.items() if value is not None}
    assert await refused_round(auth) == (401, "bad_credentials")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_an_id_token_without_an_asymmetric_signature_is_refused(
    auth: Auth, provider: OidcProvider, algorithm: str
) -> None:
    provider.algorithm = algorithm
    assert await refused_round(auth) == (401, "bad_credentials")


@pytest.mark.parametrize(
    "place", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", "/a%0d%0ab", "app"]
)
async def test_the_way_back_leads_nowhere_else(auth: Auth, place: str) -> None:
    assert await auth.refused("GET", f"/oidc/start?return_to={place}") == (422, "bad_value")


async def test_a_provider_that_is_away_is_an_outage_and_not_a_fault_of_ours(auth: Auth, provider: OidcProvider) -> None:
    provider.stop()
    reply = await auth.ask("GET", "/oidc/start")
    assert reply.status == 503


async def test_an_account_without_a_password_has_none_to_guess(auth: Auth, provider: OidcProvider) -> None:
    await signed_in(auth)
    asked = {"email": provider.person["email"], "password": PASSWORD}
    assert await auth.refused("POST", "/login", asked) == (401, "bad_credentials")

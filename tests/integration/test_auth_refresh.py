"""Refresh tokens on a real catalog: each used once, a lost answer forgiven, a second hand found out."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.catalog.client import Catalog
from shared.refusals import Refusal, Rejected
from shared.security import sessions
from tests.integration.accounts import Auth, running


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url) as auth:
        yield auth


async def refreshed(auth: Auth, token: str) -> str:
    said = await auth.json("POST", "/refresh", {"refresh_token": token})
    successor: str = said["refresh_token"]
    return successor


async def refused(auth: Auth, token: str) -> str:
    status, code = await auth.refused("POST", "/refresh", {"refresh_token": token})
    assert status == 401
    return code


def later(auth: Auth, seconds: int = sessions.GRACE_SECONDS + 1) -> None:
    """Let every use be so long ago."""
    auth.sql("UPDATE refresh_tokens SET used_at = used_at - make_interval(secs => %s)", seconds)


async def test_each_refresh_gives_a_new_token_of_the_same_session(auth: Auth) -> None:
    first = await auth.login(await auth.account())
    second = await auth.json("POST", "/refresh", {"refresh_token": first["refresh_token"]})
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["session_id"] == first["session_id"]
    await auth.json("GET", "/me", token=second["access_token"])


async def test_a_client_whose_answer_got_lost_gets_the_same_successor(auth: Auth) -> None:
    token = (await auth.login(await auth.account()))["refresh_token"]
    successor = await refreshed(auth, token)
    assert [await refreshed(auth, token) for _ in range(3)] == [successor] * 3
    await refreshed(auth, successor)


async def test_many_at_once_with_one_token_get_one_successor(auth: Auth) -> None:
    token = (await auth.login(await auth.account()))["refresh_token"]
    successors = await asyncio.gather(*(refreshed(auth, token) for _ in range(20)))
    assert len(set(successors)) == 1
    assert auth.sql("SELECT count(*) FROM refresh_tokens WHERE token_hash = %s", sessions.digest(successors[0])) == [
        (1,)
    ]


async def test_a_token_used_after_the_grace_ends_the_whole_family(auth: Auth) -> None:
    tokens = await auth.login(await auth.account())
    successor = await refreshed(auth, tokens["refresh_token"])
    later(auth)
    assert await refused(auth, tokens["refresh_token"]) == "token_revoked"
    assert await refused(auth, successor) == "token_revoked"
    assert await auth.refused("GET", "/me", token=tokens["access_token"]) == (401, "token_revoked")
    because = auth.sql("SELECT revoked_because FROM sessions WHERE id = %s", tokens["session_id"])
    assert because == [("reuse",)]


async def test_a_token_used_within_the_grace_but_after_its_successor_ends_the_family(auth: Auth) -> None:
    token = (await auth.login(await auth.account()))["refresh_token"]
    successor = await refreshed(auth, token)
    newest = await refreshed(auth, successor)
    assert await refused(auth, token) == "token_revoked"
    assert await refused(auth, newest) == "token_revoked"


async def test_reuse_ends_no_other_session_of_the_user(auth: Auth) -> None:
    email = await auth.account()
    stolen, other = (await auth.login(email))["refresh_token"], (await auth.login(email))["refresh_token"]
    await refreshed(auth, stolen)
    later(auth)
    await refused(auth, stolen)
    await refreshed(auth, other)


async def test_a_session_nobody_used_for_a_month_has_ended(auth: Auth) -> None:
    tokens = await auth.login(await auth.account())
    auth.sql("UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id = %s", tokens["session_id"])
    assert await refused(auth, tokens["refresh_token"]) == "token_revoked"
    assert await auth.refused("GET", "/me", token=tokens["access_token"]) == (401, "token_revoked")


@pytest.mark.parametrize("token", ["x", "slr_" + "A" * 43, "юникод", "\ud7ff", "é" * 2_000])
async def test_a_token_nobody_was_given_is_unknown(auth: Auth, token: str) -> None:
    assert await refused(auth, token) == "token_unknown"


async def test_what_the_catalog_keeps_gives_nobody_a_token(auth: Auth) -> None:
    token = (await auth.login(await auth.account()))["refresh_token"]
    successor = await refreshed(auth, token)
    kept = auth.sql("SELECT token_hash, salt FROM refresh_tokens")
    for clear in (token, successor):
        assert all(clear.encode() not in bytes(part or b"") for row in kept for part in row)
    for digest, salt in kept:
        for guess in filter(None, (digest, salt)):
            with pytest.raises(Rejected):
                await sessions.refresh(auth.ports.catalog, bytes(guess).hex())


async def test_an_end_by_reuse_holds_although_the_answer_is_a_refusal(catalog_url: str, auth: Auth) -> None:
    """The refusal must not undo the transaction that ends the session."""
    tokens = await auth.login(await auth.account())
    await refreshed(auth, tokens["refresh_token"])
    later(auth)
    catalog = Catalog(catalog_url)
    with pytest.raises(Rejected) as raised:
        await sessions.refresh(catalog, tokens["refresh_token"])
    assert raised.value.refusal is Refusal.TOKEN_REVOKED
    assert auth.sql("SELECT revoked_at IS NOT NULL FROM sessions WHERE id = %s", tokens["session_id"]) == [(True,)]
    await catalog.close()

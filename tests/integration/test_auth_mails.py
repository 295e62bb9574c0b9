"""Mailed tokens on a real catalog: asked for without a word on who is there, used once."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.bus import Message
from tests.integration.accounts import PASSWORD, Auth, running

ANEW = "another battery, a correct one"


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url) as auth:
        yield auth


async def forgotten(auth: Auth, email: str) -> str:
    """The token mailed to somebody who forgot the password."""
    await auth.json("POST", "/password/forgot", {"email": email}, status=202)
    return await auth.mailed_token()


async def test_registering_mails_a_link_that_confirms_the_address(auth: Auth) -> None:
    email = await auth.account(name="Ada")
    [mail] = await auth.mails()
    assert (mail["template"], mail["emails"], mail["values"]["name"]) == ("email_verification", [email], "Ada")
    link: str = mail["values"]["link"]
    assert link.startswith("http://localhost:8080/app/verify-email#token=")
    access = (await auth.login(email))["access_token"]
    assert not (await auth.json("GET", "/me", token=access))["email_verified"]
    token = {"token": link.partition("#token=")[2]}
    await auth.json("POST", "/email/verify", token)
    assert (await auth.json("GET", "/me", token=access))["email_verified"]
    assert await auth.refused("POST", "/email/verify", token) == (403, "bad_link")
    await auth.json("POST", "/email/resend", {"email": email}, status=202)
    assert await auth.mails() == []


async def test_a_mailed_token_sets_a_password_once_and_ends_every_session(auth: Auth) -> None:
    email = await auth.account()
    tokens = await auth.login(email)
    token = await forgotten(auth, email)
    weak = {"token": token, "new_password": "password"}
    assert await auth.refused("POST", "/password/reset", weak) == (422, "weak_password")
    assert (await auth.json("POST", "/password/reset", {"token": token, "new_password": ANEW}))["ended"] == 1
    assert await auth.refused("GET", "/me", token=tokens["access_token"]) == (401, "token_revoked")
    assert await auth.refused("POST", "/login", {"email": email, "password": PASSWORD}) == (401, "bad_credentials")
    await auth.login(email, ANEW)
    again = {"token": token, "new_password": PASSWORD}
    assert await auth.refused("POST", "/password/reset", again) == (403, "bad_link")


async def test_a_mailed_token_is_used_once_by_many_at_the_same_moment(auth: Auth) -> None:
    email = await auth.account()
    token = await forgotten(auth, email)
    asked = [{"token": token, "new_password": f"{ANEW} {number}"} for number in range(6)]
    replies = await asyncio.gather(*(auth.ask("POST", "/password/reset", one) for one in asked))
    assert sorted(reply.status for reply in replies) == [200, 403, 403, 403, 403, 403]
    [winner] = [one for one, reply in zip(asked, replies, strict=True) if reply.status == 200]
    await auth.login(email, winner["new_password"])


async def test_using_one_token_ends_the_others_of_its_purpose(auth: Auth) -> None:
    email = await auth.account()
    first, second = await forgotten(auth, email), await forgotten(auth, email)
    await auth.json("POST", "/password/reset", {"token": second, "new_password": ANEW})
    late = {"token": first, "new_password": PASSWORD}
    assert await auth.refused("POST", "/password/reset", late) == (403, "bad_link")


async def test_a_token_is_good_for_its_purpose_its_hour_and_its_address_only(auth: Auth) -> None:
    email = await auth.account()
    token = await forgotten(auth, email)
    assert await auth.refused("POST", "/email/verify", {"token": token}) == (403, "bad_link")
    reset = {"token": token, "new_password": ANEW}
    auth.sql("UPDATE users SET email = 'moved-' || email WHERE email = %s", email)
    assert await auth.refused("POST", "/password/reset", reset) == (403, "bad_link")
    auth.sql("UPDATE users SET email = %s WHERE email = %s", email, f"moved-{email}")
    auth.sql("UPDATE one_time_tokens SET expires_at = now() WHERE email = %s", email)
    assert await auth.refused("POST", "/password/reset", reset) == (403, "bad_link")


async def test_nobody_is_mailed_without_an_account_or_blocked_or_more_than_a_few_times(auth: Auth) -> None:
    email = await auth.account()
    await auth.mails()
    await auth.json("POST", "/password/forgot", {"email": f"nobody-{email}"}, status=202)
    assert await auth.mails() == []
    for number in range(8):
        auth.address = f"192.0.2.{number}"
        await auth.json("POST", "/password/forgot", {"email": email}, status=202)
    assert len(await auth.mails()) == 5
    blocked = await auth.account()
    auth.sql("UPDATE users SET blocked_at = now() WHERE email = %s", blocked)
    await auth.json("POST", "/password/forgot", {"email": blocked}, status=202)
    assert await auth.mails() == []


async def test_a_sign_in_from_a_new_address_is_told_and_one_from_a_known_one_is_not(auth: Auth) -> None:
    email = await auth.account()
    await auth.mails()
    await auth.login(email)
    await auth.login(email)
    assert await auth.mails() == []
    auth.address = "198.51.100.9"
    await auth.login(email)
    [mail] = await auth.mails()
    assert (mail["template"], mail["values"]["address"]) == ("new_sign_in", "198.51.100.9")


@pytest.mark.parametrize(
    ("event_type", "data", "status"),
    [
        ("dev.sluice.account_mail.requested.v1", b'{"email":1}', 400),
        ("dev.sluice.account_mail.requested.v1", b"{}", 400),
        ("dev.sluice.unknown.v1", b"{}", 422),
    ],
)
async def test_an_event_that_cannot_be_meant_is_refused_for_good(
    auth: Auth, event_type: str, data: bytes, status: int
) -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": event_type}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    reply = await auth.ask("POST", "/", raw=data, headers=headers)
    assert reply.status == status
    assert "kne-refusal" in reply.headers


async def test_the_timer_forgets_what_ended_long_ago(auth: Auth) -> None:
    tokens = await auth.login(await auth.account())
    kept = await auth.login(await auth.account())
    auth.sql("UPDATE sessions SET revoked_at = now() - interval '40 days' WHERE id = %s", tokens["session_id"])
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "dev.sluice.signing_keys.due.v1"}
    await auth.deliver(Message({**attributes, "datacontenttype": "application/json"}, b"{}"))
    found = auth.sql("SELECT id::text FROM sessions WHERE id = ANY (%s)", [tokens["session_id"], kept["session_id"]])
    assert found == [(kept["session_id"],)]

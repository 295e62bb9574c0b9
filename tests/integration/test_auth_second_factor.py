"""The second factor on a real catalog: codes good once, recovery codes good once, a stolen token not enough."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pyotp
import pytest

from tests.integration.accounts import PASSWORD, Auth, running


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url) as auth:
        yield auth


class Phone:
    """An authenticator app that can be asked for the next codes, so that tests need not wait for them."""

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def code(self, ahead: int = 0) -> str:
        return self._totp.at(time.time() + 30 * ahead)


async def with_second_factor(auth: Auth) -> tuple[str, Phone, list[str]]:
    """An account's address, its phone and its recovery codes; the code of the present step is used up."""
    email = await auth.account()
    token = (await auth.login(email))["access_token"]
    begun = await auth.json("POST", "/totp", {"password": PASSWORD}, token=token)
    assert pyotp.parse_uri(begun["uri"]).secret == begun["secret"]
    phone = Phone(begun["secret"])
    confirmed = await auth.json("POST", "/totp/confirm", {"code": phone.code(-1)}, token=token)
    return email, phone, confirmed["recovery_codes"]


def asked(email: str, code: str = "", password: str = PASSWORD) -> dict[str, Any]:
    return {"email": email, "password": password, "code": code}


async def test_signing_in_needs_the_code_only_after_the_right_password(auth: Auth) -> None:
    email, phone, _ = await with_second_factor(auth)
    assert await auth.refused("POST", "/login", asked(email)) == (401, "second_factor_required")
    assert await auth.refused("POST", "/login", asked(email, "000000")) == (401, "bad_code")
    wrong = asked(email, phone.code(), "wrong password")
    assert await auth.refused("POST", "/login", wrong) == (401, "bad_credentials")
    tokens = await auth.json("POST", "/login", asked(email, phone.code()))
    sessions = (await auth.json("GET", "/sessions", token=tokens["access_token"]))["sessions"]
    assert [one["method"] for one in sessions if one["current"]] == ["totp"]


async def test_a_code_is_good_once_and_so_are_those_before_it(auth: Auth) -> None:
    email, phone, _ = await with_second_factor(auth)
    await auth.json("POST", "/login", asked(email, phone.code(1)))
    assert await auth.refused("POST", "/login", asked(email, phone.code(1))) == (401, "bad_code")
    assert await auth.refused("POST", "/login", asked(email, phone.code())) == (401, "bad_code")


async def test_a_code_is_used_once_by_many_at_the_same_moment(auth: Auth) -> None:
    email, phone, _ = await with_second_factor(auth)
    code = phone.code()
    replies = await asyncio.gather(*(auth.ask("POST", "/login", asked(email, code)) for _ in range(5)))
    assert sorted(reply.status for reply in replies) == [200, 401, 401, 401, 401]


async def test_a_code_of_long_ago_or_much_later_is_wrong(auth: Auth) -> None:
    email, phone, _ = await with_second_factor(auth)
    for ahead in (-3, 3):
        assert await auth.refused("POST", "/login", asked(email, phone.code(ahead))) == (401, "bad_code")


async def test_each_recovery_code_works_once_however_it_is_typed(auth: Auth) -> None:
    email, _, codes = await with_second_factor(auth)
    assert len(set(codes)) == 10
    await auth.json("POST", "/login", asked(email, codes[0]))
    assert await auth.refused("POST", "/login", asked(email, codes[0])) == (401, "bad_code")
    await auth.json("POST", "/login", asked(email, f" {codes[1].upper().replace('-', ' ')} "))


async def test_new_recovery_codes_end_those_before(auth: Auth) -> None:
    email, phone, codes = await with_second_factor(auth)
    token = (await auth.json("POST", "/login", asked(email, codes[0])))["access_token"]
    fresh = await auth.json("POST", "/totp/recovery-codes", {"code": phone.code()}, token=token)
    assert await auth.refused("POST", "/login", asked(email, codes[1])) == (401, "bad_code")
    await auth.json("POST", "/login", asked(email, fresh["recovery_codes"][1]))


async def test_a_stolen_token_alone_neither_begins_nor_ends_a_second_factor(auth: Auth) -> None:
    email = await auth.account()
    token = (await auth.login(email))["access_token"]
    assert await auth.refused("POST", "/totp", {"password": "guess"}, token=token) == (401, "bad_credentials")
    email, phone, codes = await with_second_factor(auth)
    token = (await auth.json("POST", "/login", asked(email, codes[0])))["access_token"]
    body = {"password": PASSWORD, "code": "000000"}
    assert await auth.refused("POST", "/totp/remove", body, token=token) == (401, "bad_code")
    assert await auth.refused("POST", "/totp", {"password": PASSWORD}, token=token) == (409, "conflict")
    await auth.json("POST", "/totp/remove", {**body, "code": phone.code()}, token=token, status=204)
    await auth.login(email)


async def test_a_secret_that_was_never_confirmed_asks_for_nothing(auth: Auth) -> None:
    email = await auth.account()
    token = (await auth.login(email))["access_token"]
    await auth.json("POST", "/totp", {"password": PASSWORD}, token=token)
    assert await auth.refused("POST", "/totp/confirm", {"code": "000000"}, token=token) == (401, "bad_code")
    await auth.login(email)


async def test_the_catalog_keeps_the_secret_sealed_and_the_codes_as_digests(auth: Auth) -> None:
    email, _, codes = await with_second_factor(auth)
    [(secret, user)] = auth.sql("SELECT totp_secret, id FROM users WHERE email = %s", email)
    assert b"totp" not in bytes(secret)
    kept = auth.sql("SELECT code_hash FROM recovery_codes WHERE user_id = %s", user)
    assert not {bytes(row[0]) for row in kept} & {code.encode() for code in codes}

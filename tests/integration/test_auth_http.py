"""Accounts, sign-in and sessions over HTTP, on a real catalog."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator

import pytest

from shared.security.passwords import Passwords
from tests.integration.accounts import PASSWORD, Auth, running


@pytest.fixture
async def auth(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url) as auth:
        yield auth


@pytest.fixture
async def relaxed(catalog_url: str, login_cache_url: str) -> AsyncIterator[Auth]:
    async with running(catalog_url, login_cache_url, SLUICE_PASSWORD_POLICY="relaxed") as auth:
        yield auth


async def test_an_old_client_registers_logs_in_and_sees_itself(relaxed: Auth) -> None:
    email = f"{uuid.uuid4().hex}@example.org"
    asked = {"email": email, "password": "password123", "full_name": "Ada L", "company": "Acme"}
    registered = await relaxed.json("POST", "/register", asked, status=201)
    assert registered["warnings"]
    tokens = await relaxed.json("POST", "/login", {"email": email, "password": "password123"})
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "session_id"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    me = await relaxed.json("GET", "/me", token=tokens["access_token"])
    assert (me["email"], me["name"]) == (email, "Ada L")
    assert [(one["name"], one["role"], one["projects"]) for one in me["organisations"]] == [("Acme", "owner", [])]


async def test_somebody_changes_their_name_and_the_language_of_mails(auth: Auth) -> None:
    email = f"{uuid.uuid4().hex}@example.org"
    await auth.json("POST", "/register", {"email": email, "password": PASSWORD, "name": "Ada"}, status=201)
    token = (await auth.json("POST", "/login", {"email": email, "password": PASSWORD}))["access_token"]
    changed = await auth.json("PATCH", "/me", {"name": " Ада "}, token=token)
    assert (changed["name"], changed["language"], changed["email"]) == ("Ада", "en", email)
    await auth.json("PATCH", "/me", {"language": "ru"}, token=token)
    me = await auth.json("GET", "/me", token=token)
    assert (me["name"], me["language"]) == ("Ада", "ru")
    for body in ({"language": "de"}, {"name": "x" * 201}, {"name": "a\nb"}, {"email": "b@example.org"}):
        await auth.json("PATCH", "/me", body, status=422, token=token)
    await auth.json("PATCH", "/me", {"name": "B"}, status=401)


async def test_a_weak_password_is_refused_by_the_standard_policy(auth: Auth) -> None:
    for password in ("short", "password123", "qwertyuiop", "a" * 72):
        asked = {"email": "a@example.org", "password": password}
        assert await auth.refused("POST", "/register", asked) == (422, "weak_password"), password


async def test_registering_an_address_twice_says_nothing_and_changes_nothing(auth: Auth) -> None:
    email = await auth.account()
    fresh = {"email": f"{uuid.uuid4().hex[:12]}@example.org", "password": PASSWORD, "name": "B", "company": "B"}
    first = await auth.json("POST", "/register", fresh, status=201)
    organisations = auth.sql("SELECT count(*) FROM organisations")
    again = await auth.json("POST", "/register", {**fresh, "email": email, "password": PASSWORD + "2"}, status=201)
    assert {**first, "email": email} == again
    assert auth.sql("SELECT count(*) FROM organisations") == organisations
    assert await auth.refused("POST", "/login", {"email": email, "password": PASSWORD + "2"}) == (
        401,
        "bad_credentials",
    )
    await auth.login(email)


async def test_two_registrations_at_once_make_one_account(auth: Auth) -> None:
    asked = {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD}
    replies = await asyncio.gather(*(auth.ask("POST", "/register", asked) for _ in range(4)))
    assert {reply.status for reply in replies} == {201}
    assert auth.sql("SELECT count(*) FROM users WHERE email = %s", asked["email"]) == [(1,)]
    [[organisations]] = auth.sql(
        "SELECT count(*) FROM memberships JOIN users ON id = user_id WHERE email = %s", asked["email"]
    )
    assert organisations == 1


@pytest.mark.parametrize("email", ["юзер@Пример.рф", "A.B+c@Example.ORG", "e\u0301@example.org"])
async def test_an_address_is_one_whichever_way_it_is_written(auth: Auth, email: str) -> None:
    email = uuid.uuid4().hex[:6] + email
    await auth.json("POST", "/register", {"email": f" {email} ", "password": PASSWORD}, status=201)
    await auth.login(email.upper())


async def test_known_and_unknown_addresses_get_the_same_answer(auth: Auth) -> None:
    email = await auth.account()
    answers = []
    for asked in (email, f"nobody-{email}"):
        reply = await auth.ask("POST", "/login", {"email": asked, "password": "wrong password"})
        answers.append({**json.loads(reply.body), "request_id": ""})
        forgot = await auth.ask("POST", "/password/forgot", {"email": asked})
        answers[-1]["forgot"] = (forgot.status, forgot.body)
    assert answers[0] == answers[1]
    assert answers[0]["status"] == 401


async def test_known_and_unknown_addresses_cost_the_same_hash(auth: Auth) -> None:
    """By construction: one password is verified either way. Measured loosely: medians within a factor of two."""
    email = await auth.account()
    took: dict[str, list[float]] = {email: [], f"nobody-{email}": []}
    for number in range(7):
        auth.address = f"192.0.2.{number}"
        for asked, times in took.items():
            started = time.perf_counter()
            await auth.refused("POST", "/login", {"email": asked, "password": "wrong password"})
            times.append(time.perf_counter() - started)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.5 < known / unknown < 2


async def test_wrong_passwords_are_throttled_from_one_place_only(auth: Auth) -> None:
    email = await auth.account()
    wrong = {"email": email, "password": "wrong password"}
    codes = [(await auth.refused("POST", "/login", wrong))[1] for _ in range(10)]
    assert codes[:8] == ["bad_credentials"] * 8
    assert codes[8:] == ["rate_limited"] * 2
    auth.address = "198.51.100.3"
    await auth.login(email)


async def test_a_bcrypt_hash_of_an_older_system_is_taken_and_replaced(auth: Auth) -> None:
    email = await auth.account()
    older = Passwords("bcrypt")
    hashed = await older.hash(PASSWORD)
    older.close()
    auth.sql("UPDATE users SET password_hash = %s WHERE email = %s", hashed.replace("$2b$", "$2y$"), email)
    await auth.refused("POST", "/login", {"email": email, "password": "wrong password"})
    await auth.login(email)
    [[kept]] = auth.sql("SELECT password_hash FROM users WHERE email = %s", email)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await auth.login(email)


async def test_a_blocked_user_is_told_only_with_the_right_password_and_loses_the_session(auth: Auth) -> None:
    email = await auth.account()
    tokens = await auth.login(email)
    auth.sql("UPDATE users SET blocked_at = now() WHERE email = %s", email)
    assert await auth.refused("POST", "/login", {"email": email, "password": "wrong pass"}) == (401, "bad_credentials")
    assert await auth.refused("POST", "/login", {"email": email, "password": PASSWORD}) == (403, "account_blocked")
    assert await auth.refused("GET", "/me", token=tokens["access_token"]) == (401, "token_revoked")
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert await auth.refused("POST", "/refresh", refresh) == (401, "token_revoked")


async def test_sessions_are_listed_and_ended_one_by_one_and_all(auth: Auth) -> None:
    email = await auth.account()
    mine, other, third = [await auth.login(email) for _ in range(3)]
    listed = (await auth.json("GET", "/sessions", token=mine["access_token"]))["sessions"]
    assert {one["id"] for one in listed if one["current"]} == {mine["session_id"]}
    assert {one["address"] for one in listed} == {"192.0.2.7"}
    await auth.json("DELETE", f"/sessions/{other['session_id']}", token=mine["access_token"])
    assert await auth.refused("GET", "/me", token=other["access_token"]) == (401, "token_revoked")
    stranger = await auth.login(await auth.account())
    gone = await auth.refused("DELETE", f"/sessions/{mine['session_id']}", token=stranger["access_token"])
    assert gone == (404, "not_found")
    assert (await auth.json("POST", "/logout-all", token=third["access_token"]))["ended"] == 2
    for tokens in (mine, third):
        assert await auth.refused("GET", "/me", token=tokens["access_token"]) == (401, "token_revoked")
        refresh = {"refresh_token": tokens["refresh_token"]}
        assert await auth.refused("POST", "/refresh", refresh) == (401, "token_revoked")


async def test_logout_takes_a_refresh_token_too_and_a_second_time_is_harmless(auth: Auth) -> None:
    tokens = await auth.login(await auth.account())
    refresh = {"refresh_token": tokens["refresh_token"]}
    assert await auth.json("POST", "/logout", refresh) == {"ended": 1}
    assert await auth.json("POST", "/logout", refresh) == {"ended": 0}


async def test_introspection_says_nothing_of_a_token_that_is_not_good(auth: Auth) -> None:
    tokens = await auth.login(await auth.account())
    good = await auth.json("POST", "/verify", {"token": tokens["access_token"]})
    assert (good["active"], good["sid"], good["token_type"]) == (True, tokens["session_id"], "Bearer")
    head, claims, _ = tokens["access_token"].split(".")
    for bad in ("x", tokens["refresh_token"], f"{head}.{claims}.{'A' * 86}", tokens["access_token"] + "A"):
        assert await auth.json("POST", "/verify", {"token": bad}) == {"active": False}
    assert await auth.refused("GET", "/verify", token=f"{head}.{claims}.") == (401, "token_unknown")
    await auth.json("POST", "/logout", token=tokens["access_token"])
    assert await auth.json("POST", "/verify", {"token": tokens["access_token"]}) == {"active": False}


async def test_all_other_sessions_end_and_this_one_stays(auth: Auth) -> None:
    email = await auth.account()
    mine, *others = [await auth.login(email) for _ in range(3)]
    assert await auth.json("DELETE", "/sessions", token=mine["access_token"]) == {"ended": 2}
    listed = (await auth.json("GET", "/sessions", token=mine["access_token"]))["sessions"]
    assert [one["id"] for one in listed] == [mine["session_id"]]
    for other in others:
        assert await auth.refused("GET", "/sessions", token=other["access_token"]) == (401, "token_revoked")


async def test_changing_the_password_needs_the_present_one_and_ends_the_other_sessions(auth: Auth) -> None:
    email = await auth.account()
    mine, other = await auth.login(email), await auth.login(email)
    wrong = {"current_password": "wrong password", "new_password": PASSWORD + " anew"}
    assert await auth.refused("POST", "/password", wrong, token=mine["access_token"]) == (401, "bad_credentials")
    weak = {"current_password": PASSWORD, "new_password": "password"}
    assert await auth.refused("POST", "/password", weak, token=mine["access_token"]) == (422, "weak_password")
    right = {"current_password": PASSWORD, "new_password": PASSWORD + " anew"}
    assert (await auth.json("POST", "/password", right, token=mine["access_token"]))["ended"] == 1
    await auth.json("GET", "/me", token=mine["access_token"])
    assert await auth.refused("GET", "/me", token=other["access_token"]) == (401, "token_revoked")
    await auth.login(email, PASSWORD + " anew")


async def test_a_browser_has_its_refresh_token_in_a_strict_cookie_and_names_the_csrf_token(auth: Auth) -> None:
    email = await auth.account()
    tokens = await auth.login(email, client="browser")
    assert "refresh_token" not in tokens
    refresh_cookie, csrf_cookie = sorted(auth.set_cookies, key=lambda text: "csrf" in text)
    assert {"HttpOnly", "SameSite=strict", "Path=/api/v1/auth"} <= set(refresh_cookie.split("; "))
    assert "HttpOnly" not in csrf_cookie
    for headers in ({}, {"x-csrf-token": "no"}, {"x-csrf-token": "\xff"}):
        assert await auth.refused("POST", "/refresh", {}, headers=headers) == (403, "csrf_missing")
        assert await auth.refused("POST", "/logout", {}, headers=headers) == (403, "csrf_missing")
    auth.cookies = {"odd": '{"a": 1,"b"}', **auth.cookies}
    before = auth.cookies["sluice_refresh"]
    again = await auth.json("POST", "/refresh", {}, headers={"x-csrf-token": tokens["csrf_token"]})
    assert auth.cookies["sluice_refresh"] != before
    assert again["csrf_token"] == auth.cookies["sluice_csrf"] != tokens["csrf_token"]
    await auth.json("POST", "/logout", {}, headers={"x-csrf-token": again["csrf_token"]})
    assert auth.cookies.keys() == {"odd"}


async def test_cookies_over_https_are_bound_to_host_and_scheme(catalog_url: str, login_cache_url: str) -> None:
    async with running(catalog_url, login_cache_url, SLUICE_PUBLIC_URL="https://analytics.example") as auth:
        await auth.login(await auth.account(), client="browser")
        assert {"__Secure-sluice_refresh", "__Host-sluice_csrf"} == auth.cookies.keys()
        assert all("Secure" in text.split("; ") for text in auth.set_cookies)


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        (b"{", 400, "malformed_json"),
        (b'{"email": NaN}', 400, "malformed_json"),
        (b"\xff", 400, "malformed_json"),
        (b"[" * 100_000, 400, "malformed_json"),
        (b'{"email":"a@b.c","email":"d@e.f","password":"x"}', 422, "duplicate_key"),
        (b'{"email":"a\\u0000@b.c","password":"x"}', 422, "bad_text"),
        (b'{"email":"\\ud800@b.c","password":"x"}', 422, "bad_value"),
        (b'{"email":"a@b.c"}', 422, "bad_value"),
        (b'{"email":1,"password":"x"}', 422, "bad_value"),
        (b'{"email":["a@b.c"],"password":{}}', 422, "bad_value"),
        (b'{"email":"no address","password":"x"}', 422, "bad_value"),
        (b'{"email":"a@b.c\\r\\nBcc: x@y.z","password":"x"}', 422, "bad_value"),
        (b'{"email":"a@b.c","password":"x","admin":true}', 422, "unknown_field"),
        (b'{"email":"a@b.c","password":"' + b"x" * 1_001 + b'"}', 422, "bad_value"),
        (b'{"email":"a@b.c","password":"' + b"x" * 300_000 + b'"}', 413, "body_too_large"),
        (b"null", 422, "bad_value"),
        (b"", 422, "bad_value"),
    ],
)
async def test_bad_input_is_refused_by_name_and_never_repeated(auth: Auth, raw: bytes, status: int, code: str) -> None:
    for path in ("/register", "/login"):
        reply = await auth.ask("POST", path, raw=raw)
        said = json.loads(reply.body)
        assert (reply.status, said["code"]) == (status, code), said
        assert "xxxx" not in reply.body.decode()


async def test_a_body_that_is_no_json_and_an_unknown_address_are_refused(auth: Auth) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert await auth.refused("POST", "/login", raw=b"email=a", headers=form) == (415, "unsupported_media_type")
    assert await auth.refused("GET", "/nothing") == (404, "not_found")
    reply = await auth.ask("PUT", "/login", {})
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert await auth.refused("DELETE", "/sessions/x", token="a.b.c") == (401, "token_unknown")


async def test_what_is_done_to_an_account_stands_in_the_audit_log_without_secrets(auth: Auth) -> None:
    email = await auth.account()
    tokens = await auth.login(email)
    await auth.json("POST", "/logout", token=tokens["access_token"])
    rows = auth.sql("SELECT action, address, after FROM audit_log WHERE actor_name = %s ORDER BY seq", email)
    assert [(row[0], row[1]) for row in rows] == [
        ("user.registered", "192.0.2.7"),
        ("session.started", "192.0.2.7"),
        ("session.ended", "192.0.2.7"),
    ]
    assert PASSWORD not in str(rows)


async def test_accounts_for_invited_people_only(catalog_url: str, login_cache_url: str) -> None:
    async with running(catalog_url, login_cache_url, SLUICE_REGISTRATION="invited") as auth:
        email = f"{uuid.uuid4().hex}@example.org"
        asked = {"email": email, "password": PASSWORD}
        assert await auth.refused("POST", "/register", asked) == (403, "role_missing")
        organisation = uuid.uuid4()
        auth.sql("INSERT INTO organisations (id, name) VALUES (%s, 'Inviting')", organisation)
        auth.sql(
            "INSERT INTO invitations (id, organisation_id, email, role, token_hash, expires_at)"
            " VALUES (%s, %s, %s, 'viewer', %s, now() + interval '1 day')",
            uuid.uuid4(),
            organisation,
            email,
            uuid.uuid4().bytes * 2,
        )
        await auth.json("POST", "/register", asked, status=201)


async def test_a_thousand_sign_ins_at_once_get_no_500_and_wait_in_a_bounded_line(auth: Auth) -> None:
    email = await auth.account()

    async def one(number: int) -> int:
        auth.address = f"10.0.{number // 250}.{number % 250}"
        return (await auth.ask("POST", "/login", {"email": email, "password": PASSWORD})).status

    statuses = await asyncio.gather(*(one(number) for number in range(1_000)))
    assert set(statuses) == {200, 429}


async def test_an_access_token_in_the_address_is_none(auth: Auth) -> None:
    token = (await auth.login(await auth.account()))["access_token"]
    for name in ("access_token", "token", "key"):
        assert await auth.refused("GET", f"/me?{name}={token}") == (401, "token_missing")

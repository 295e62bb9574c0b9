"""Access tokens against RFC 8725: each point that applies has a test, docs/security-tokens.md says which."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.clock import FixedClock
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.security import tokens
from shared.security.tokens import AUDIENCE, ISSUER, Claims, PublicKeys, Verifier

KEY = Ed25519PrivateKey.generate()
KID = "ours"
HEAD = {"kid": KID, "typ": "at+jwt", "alg": "EdDSA"}
USER, SESSION = uuid.uuid4(), uuid.uuid4()


def claims(**more: object) -> dict[str, Any]:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(USER),
        "sid": str(SESSION),
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 900,
    }
    return {name: value for name, value in {**said, **more}.items() if value is not None}


def signed(said: Mapping[str, Any], head: Mapping[str, Any] | None = None, key: Ed25519PrivateKey = KEY) -> str:
    """A token with any head at all, soundly signed."""
    parts = [json.dumps({**HEAD, **(head or {})}).encode(), json.dumps(said).encode()]
    signing = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    return b".".join([signing, base64.urlsafe_b64encode(key.sign(signing)).rstrip(b"=")]).decode()


class Keys:
    """The catalog's keys, counted."""

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {KID: KEY.public_key()}
        self.asked = 0
        self.away = False

    async def look_up(self) -> PublicKeys:
        self.asked += 1
        if self.away:
            raise UnavailableError("away")
        return dict(self.keys)


def verifier(keys: Keys | None = None, clock: FixedClock | None = None) -> Verifier:
    return Verifier((keys or Keys()).look_up, clock or FixedClock(1_000_000_000))


async def refusal(token: str) -> Refusal:
    with pytest.raises(Rejected) as raised:
        await verifier().verify(token)
    return raised.value.refusal


async def test_a_sound_token_says_who_and_which_session() -> None:
    found = await verifier().verify(signed(claims()))
    assert isinstance(found, Claims)
    assert (found.user_id, found.session_id) == (USER, SESSION)


async def test_rfc8725_3_1_only_one_algorithm_is_taken_whatever_the_head_says() -> None:
    for algorithm in ("none", "None", "HS256", "RS256", "ES256", "EdDSA ", ""):
        assert await refusal(signed(claims(), {"alg": algorithm})) is Refusal.TOKEN_UNKNOWN, algorithm
    unsigned = jwt.encode(claims(), "", algorithm="none", headers={"kid": KID, "typ": "at+jwt"})
    assert await refusal(unsigned) is Refusal.TOKEN_UNKNOWN


async def test_rfc8725_2_1_the_public_key_is_no_hmac_secret() -> None:
    raw = KEY.public_key().public_bytes_raw()
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = base64.urlsafe_b64encode(json.dumps({**HEAD, "alg": "HS256"}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
    for secret in (raw, pem):
        mac = hmac.digest(secret, head + b"." + body, hashlib.sha256)
        forged = b".".join([head, body, base64.urlsafe_b64encode(mac).rstrip(b"=")]).decode()
        assert await refusal(forged) is Refusal.TOKEN_UNKNOWN


async def test_rfc8725_3_3_every_signature_is_checked() -> None:
    token = signed(claims())
    head, body, signature = token.split(".")
    other = base64.urlsafe_b64encode(json.dumps(claims(sub=str(uuid.uuid4()))).encode()).rstrip(b"=").decode()
    changed = "A" if signature[0] != "A" else "B"
    for bad in (f"{head}.{other}.{signature}", f"{head}.{body}.{changed}{signature[1:]}", f"{head}.{body}."):
        assert await refusal(bad) is Refusal.TOKEN_UNKNOWN
    assert await refusal(signed(claims(), key=Ed25519PrivateKey.generate())) is Refusal.TOKEN_UNKNOWN


async def test_rfc8725_3_8_the_issuer_is_ours() -> None:
    for issuer in ("urn:sluice:other", "", None, ["urn:sluice:auth"]):
        assert await refusal(signed(claims(iss=issuer))) is Refusal.TOKEN_UNKNOWN


async def test_rfc8725_3_9_the_audience_is_ours() -> None:
    for audience in ("urn:other", "", None, ["urn:other"]):
        assert await refusal(signed(claims(aud=audience))) is Refusal.TOKEN_UNKNOWN


async def test_rfc8725_3_10_nothing_in_the_head_names_a_key_but_kid() -> None:
    stranger = Ed25519PrivateKey.generate()
    x = base64.urlsafe_b64encode(stranger.public_key().public_bytes_raw()).rstrip(b"=").decode()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
    for head in ({"jwk": jwk}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}, {"x5c": ["a"]}):
        assert await refusal(signed(claims(), head, stranger)) is Refusal.TOKEN_UNKNOWN


@pytest.mark.parametrize("kid", ["other", "", "../../etc/passwd", "' OR 1=1 --", 7, None, ["ours"], {"a": 1}])
async def test_rfc8725_3_10_kid_is_looked_up_in_our_own_list_only(kid: object) -> None:
    assert await refusal(signed(claims(), {"kid": kid})) is Refusal.TOKEN_UNKNOWN


async def test_rfc8725_3_11_the_type_is_access_token() -> None:
    for kind in ("JWT", "", None, "application/jwt", "secevent+jwt", 1):
        assert await refusal(signed(claims(), {"typ": kind})) is Refusal.TOKEN_UNKNOWN


async def test_rfc7515_4_1_11_a_token_that_asks_for_what_we_do_not_know_is_refused() -> None:
    assert await refusal(signed(claims(), {"crit": ["exp"]})) is Refusal.TOKEN_UNKNOWN
    assert await refusal(signed(claims(), {"b64": False, "crit": ["b64"]})) is Refusal.TOKEN_UNKNOWN


async def test_a_token_has_an_end_and_is_over_after_it() -> None:
    now = int(time.time())
    assert await refusal(signed(claims(exp=now - 10))) is Refusal.TOKEN_EXPIRED
    for missing in ("exp", "iat", "sub", "sid", "jti"):
        assert await refusal(signed(claims(**{missing: None}))) is Refusal.TOKEN_UNKNOWN, missing
    assert await refusal(signed(claims(iat=now + 600, exp=now + 900))) is Refusal.TOKEN_UNKNOWN
    assert await refusal(signed(claims(nbf=now + 600))) is Refusal.TOKEN_UNKNOWN


@pytest.mark.parametrize(
    "bad",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "a" * 5_000,
        "é.é.é",
        "\ud800.a.b",
        "eyJhbGciOiJFZERTQSJ9",
        base64.urlsafe_b64encode(b"[" * 2_000).decode() + ".e30.",
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.",
    ],
)
async def test_what_is_no_token_is_refused_and_no_fault(bad: str) -> None:
    assert await refusal(bad) is Refusal.TOKEN_UNKNOWN


@pytest.mark.parametrize("name", ["sub", "sid"])
@pytest.mark.parametrize("value", ["x", 7, None, [], {}, "0" * 32 + "g"])
async def test_claims_that_are_no_ids_are_refused_and_no_fault(name: str, value: object) -> None:
    assert await refusal(signed({**claims(), name: value})) is Refusal.TOKEN_UNKNOWN


@pytest.mark.parametrize("value", ["x", 1e400, -1e30, [], 10**30, "1"])
async def test_times_that_are_none_are_refused_and_no_fault(value: object) -> None:
    for name in ("exp", "iat"):
        assert await refusal(signed({**claims(), name: value})) in {Refusal.TOKEN_UNKNOWN, Refusal.TOKEN_EXPIRED}


async def test_keys_are_asked_for_once_and_again_when_they_are_old() -> None:
    keys, clock = Keys(), FixedClock(1_000_000_000)
    checking = verifier(keys, clock)
    for _ in range(3):
        await checking.verify(signed(claims()))
    assert keys.asked == 1
    clock.advance(tokens.REFRESH_SECONDS + 1)
    await checking.verify(signed(claims()))
    assert keys.asked == 2


async def test_a_key_that_was_taken_back_verifies_nothing_once_the_keys_are_read_anew() -> None:
    keys, clock = Keys(), FixedClock(1_000_000_000)
    checking = verifier(keys, clock)
    await checking.verify(signed(claims()))
    keys.keys = {}
    clock.advance(tokens.REFRESH_SECONDS + 1)
    with pytest.raises(Rejected):
        await checking.verify(signed(claims()))


async def test_while_the_catalog_is_away_known_keys_hold_and_unknown_ones_are_an_outage_only_at_first() -> None:
    keys, clock = Keys(), FixedClock(1_000_000_000)
    checking = verifier(keys, clock)
    keys.away = True
    with pytest.raises(UnavailableError):
        await checking.verify(signed(claims()))
    keys.away = False
    await checking.verify(signed(claims()))
    keys.away = True
    clock.advance(tokens.REFRESH_SECONDS + 1)
    await checking.verify(signed(claims()))
    clock.advance(tokens.STALE_SECONDS + 1)
    with pytest.raises(UnavailableError):
        await checking.verify(signed(claims()))

"""Signing keys on a real catalog: replaced while tokens are issued and checked, without one being refused."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.catalog.client import Catalog
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from shared.security import signing_keys, tokens
from shared.security.sealing import Sealer
from shared.security.signing_keys import SigningKeys, key_set
from shared.security.tokens import open_verifier

SECRET = "b7e2a9405c1d8f36b7e2a9405c1d8f36"


@pytest.fixture
async def catalog(catalog_url: str) -> AsyncIterator[Catalog]:
    catalog = Catalog(catalog_url)
    await catalog.rows("auth/retire_signing_keys", {"until": "-infinity"})
    yield catalog
    await catalog.rows("auth/retire_signing_keys", {"until": "-infinity"})
    await catalog.close()


def keys(catalog: Catalog, secret: str = SECRET) -> SigningKeys:
    return SigningKeys(catalog, Sealer(secret))


def kid_of(token: str) -> str:
    kid: str = jwt.get_unverified_header(token)["kid"]
    return kid


async def test_keys_rotated_under_load_refuse_not_one_token(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing_keys, "PUBLISHED_SECONDS", 1.2)  # still longer than a verifier's RETRY_SECONDS
    monkeypatch.setattr(signing_keys, "_REREAD_SECONDS", 0.1)
    signers = [keys(catalog) for _ in range(2)]
    verifiers = [open_verifier(catalog) for _ in range(3)]
    seen: set[str] = set()
    issued: list[str] = []
    end = time.monotonic() + 6

    async def ask(number: int) -> None:
        while time.monotonic() < end:
            token = await signers[number % 2].issue(uuid7(), uuid7())
            seen.add(kid_of(token))
            issued.append(token)
            await verifiers[number % 3].verify(token)
            await asyncio.sleep(0.005)

    async def rotate() -> None:
        for _ in range(3):
            await asyncio.sleep(1.5)
            await signers[0].rotate()

    await asyncio.gather(rotate(), *(ask(number) for number in range(6)))
    assert len(seen) >= 3
    fresh = open_verifier(catalog)
    for token in issued[:: max(1, len(issued) // 200)]:
        await fresh.verify(token)


async def test_several_first_starts_at_once_make_one_key(catalog: Catalog) -> None:
    found = await asyncio.gather(*(keys(catalog).current() for _ in range(5)))
    assert len({key.kid for key in found}) == 1


async def test_a_new_key_is_published_before_it_signs(catalog: Catalog) -> None:
    signer = keys(catalog)
    before = await signer.current()
    kid = await signer.rotate()
    assert (await signer.current()).kid == before.kid != kid
    assert {kid, before.kid} <= {key["kid"] for key in (await key_set(catalog))["keys"]}


async def test_a_compromised_key_verifies_nothing_more(catalog: Catalog) -> None:
    signer = keys(catalog)
    token = await signer.issue(uuid7(), uuid7())
    kid = await signer.rotate(compromised=True)
    with pytest.raises(Rejected) as raised:
        await open_verifier(catalog).verify(token)
    assert raised.value.refusal is Refusal.TOKEN_UNKNOWN
    assert kid_of(await signer.issue(uuid7(), uuid7())) == kid


async def test_the_timer_replaces_an_old_key_only(catalog: Catalog) -> None:
    signer = keys(catalog)
    await signer.current()
    assert await signer.rotate_if_older(30) == ""
    assert await signer.rotate_if_older(0) != ""


async def test_another_secret_makes_another_key_and_the_tokens_before_stay_good(catalog: Catalog) -> None:
    token = await keys(catalog).issue(uuid7(), uuid7())
    other = keys(catalog, SECRET[::-1])
    anew = await other.issue(uuid7(), uuid7())
    assert kid_of(anew) != kid_of(token)
    verifier = open_verifier(catalog)
    await verifier.verify(token)
    await verifier.verify(anew)


async def test_the_secret_before_opens_the_keys_it_sealed(catalog: Catalog) -> None:
    token = await keys(catalog).issue(uuid7(), uuid7())
    both = SigningKeys(catalog, Sealer("another secret that is long enough", [SECRET]))
    assert kid_of(await both.issue(uuid7(), uuid7())) == kid_of(token)


async def test_the_catalog_holds_no_private_key_that_opens_without_the_secret(catalog: Catalog) -> None:
    signing = await keys(catalog).current()
    private = signing.key.private_bytes_raw()
    for row in await catalog.rows("auth/signing_keys"):
        assert private not in bytes(row["sealed_key"])


async def test_the_published_set_checks_a_token_and_names_its_keys_by_thumbprint(catalog: Catalog) -> None:
    token = await keys(catalog).issue(uuid7(), uuid7())
    [found] = [key for key in (await key_set(catalog))["keys"] if key["kid"] == kid_of(token)]
    assert {"kty", "crv", "x", "kid", "use", "alg"} == found.keys()
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(found["x"] + "="))
    said = jwt.decode(token, public, algorithms=["EdDSA"], audience=tokens.AUDIENCE, issuer=tokens.ISSUER)
    assert said["exp"] - said["iat"] == tokens.LIFE_SECONDS == 900

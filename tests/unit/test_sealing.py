"""What is sealed opens with its secret and for its purpose, and samples are no secrets in production."""

import pytest

from shared.config import ConfigError
from shared.security.sealing import SealedError, Sealer, SecretSettings, sealer_of

SECRET = "b7e2a9405c1d8f36b7e2a9405c1d8f36"


def test_what_is_sealed_opens_and_two_seals_differ() -> None:
    sealer = Sealer(SECRET)
    first, second = sealer.seal(b"clear", "a"), sealer.seal(b"clear", "a")
    assert first != second
    assert b"clear" not in first
    assert sealer.open(first, "a") == sealer.open(second, "a") == b"clear"


def test_it_opens_for_nothing_else_and_not_when_changed() -> None:
    sealer = Sealer(SECRET)
    sealed = sealer.seal(b"clear", "totp of ada")
    with pytest.raises(SealedError):
        sealer.open(sealed, "totp of bob")
    for place in range(len(sealed)):
        with pytest.raises(SealedError):
            sealer.open(sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :], "totp of ada")
    for cut in (b"", sealed[:4], sealed[:10], sealed[:-1]):
        with pytest.raises(SealedError):
            sealer.open(cut, "totp of ada")


def test_another_secret_does_not_open_it_and_the_one_before_does() -> None:
    sealed = Sealer(SECRET).seal(b"clear", "a")
    with pytest.raises(SealedError, match="JWT_SECRET_KEY_BEFORE"):
        Sealer(SECRET[::-1]).open(sealed, "a")
    assert Sealer(SECRET[::-1], [SECRET]).open(sealed, "a") == b"clear"


@pytest.mark.parametrize(
    "sample",
    ["short", "", "your-secret-key-change-in-production", "a" * 64, "changeme" * 8, "secret" + "0123456789" * 4],
)
def test_production_refuses_short_and_sample_secrets_without_showing_them(sample: str) -> None:
    with pytest.raises(ConfigError) as raised:
        sealer_of(SecretSettings(secret_key=sample))
    assert not sample or sample not in str(raised.value)
    sealer_of(SecretSettings(secret_key=sample, mode="development"))


def test_production_takes_random_secrets() -> None:
    sealer_of(SecretSettings(secret_key="8f2c17d09be34a65c0ffd1a2b3946e70"))
    sealer_of(SecretSettings(secret_key="p4tQxW9mZr2LkVb7NcJs5HgYd8FuAe3T"))

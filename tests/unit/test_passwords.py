"""Passwords: what is taken, what is kept, what is upgraded; nobody's costs as much as somebody's."""

from collections.abc import Iterator

import pytest

from shared.refusals import Refusal, Rejected
from shared.security.passwords import Passwords, weaknesses


@pytest.fixture
def standard() -> Iterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()


@pytest.fixture
def relaxed() -> Iterator[Passwords]:
    passwords = Passwords(policy="relaxed")
    yield passwords
    passwords.close()


async def test_what_is_kept_is_argon2id_as_owasp_recommends_it(standard: Passwords) -> None:
    kept = await standard.hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await standard.verify("correct horse", kept) == (True, "")
    assert await standard.verify("correct horsf", kept) == (False, "")


async def test_nobodys_password_is_never_right_whatever_is_typed(standard: Passwords) -> None:
    for kept in (None, "", "no hash", "$argon2id$broken", "$2b$12$broken"):
        verdict = await standard.verify("x", kept)
        assert verdict == (False, "")


async def test_the_same_letters_composed_otherwise_are_the_same_password(standard: Passwords) -> None:
    kept = await standard.hash("Zo\u00eb und Andr\u00e9")
    assert (await standard.verify("Zoe\u0308 und Andre\u0301", kept)).right


async def test_bcrypt_by_setting_takes_72_bytes_and_replaces_argon2(standard: Passwords) -> None:
    bcrypt = Passwords("bcrypt")
    with pytest.raises(Rejected) as raised:
        await bcrypt.accept("correct horse battery staple " * 3)
    assert raised.value.refusal is Refusal.WEAK_PASSWORD
    right, upgraded = await bcrypt.verify("correct horse", await standard.hash("correct horse"))
    assert right
    assert upgraded.startswith("$2b$12$")
    right, upgraded = await standard.verify("correct horse", upgraded)
    assert right
    assert upgraded.startswith("$argon2id$")
    bcrypt.close()


async def test_a_long_password_of_bcrypt_days_is_right_and_kept_whole_from_then_on(standard: Passwords) -> None:
    bcrypt = Passwords("bcrypt")
    long = "correct horse battery staple " * 4
    right, upgraded = await standard.verify(long, await bcrypt.hash(long[:72]))
    assert right
    assert (await standard.verify(long, upgraded)).right
    assert not (await standard.verify(long[:72], upgraded)).right
    bcrypt.close()


@pytest.mark.parametrize("password", ["password123", "qwerty123456", "aaaaaaaaaaaa", "ada.lovelace", "Acme2024"])
async def test_standard_refuses_what_relaxed_takes_with_a_warning(
    standard: Passwords, relaxed: Passwords, password: str
) -> None:
    about = ["ada.lovelace@example.org", "Acme"]
    with pytest.raises(Rejected) as raised:
        await standard.accept(password, about)
    assert raised.value.refusal is Refusal.WEAK_PASSWORD
    assert password not in str(raised.value)
    assert await relaxed.accept(password, about)


async def test_neither_takes_less_than_eight_characters(standard: Passwords, relaxed: Passwords) -> None:
    for passwords in (standard, relaxed):
        with pytest.raises(Rejected):
            await passwords.accept("K7#pz!q")


async def test_a_strong_one_is_taken_without_a_word(standard: Passwords) -> None:
    for password in ("correct horse battery", "пять сонных ежей на реке", "k7#pz!qW2m"):
        assert await standard.accept(password, ["ada@example.org"]) == []


def test_a_very_long_password_is_looked_at_quickly() -> None:
    assert weaknesses("ab1!" * 250)

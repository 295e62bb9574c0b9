"""Secrets of third parties: sealed for one place, opened by every key that is still known."""

import pytest

from shared.security.sealing import SealedError, Sealer
from shared.security.secrets import SecretBox

OLD, NEW = "o" * 40, "n" * 40
PLACE = "webhook:1:2"


def test_what_was_sealed_opens_at_its_place_and_nowhere_else() -> None:
    box = SecretBox(Sealer(OLD))
    sealed = box.seal("wörd", PLACE)
    assert box.open(sealed, PLACE) == "wörd"
    assert "wörd" not in sealed
    with pytest.raises(SealedError):
        box.open(sealed, "webhook:1:3")


def test_the_same_secret_is_never_sealed_the_same_twice() -> None:
    box = SecretBox(Sealer(OLD))
    assert box.seal("x", PLACE) != box.seal("x", PLACE)


def test_a_rotated_key_opens_until_it_is_dropped() -> None:
    sealed = SecretBox(Sealer(OLD)).seal("x", PLACE)
    rotating = SecretBox(Sealer(NEW, [OLD]))
    assert rotating.open(sealed, PLACE) == "x"
    assert rotating.needs_sealing(sealed)
    anew = rotating.seal("x", PLACE)
    assert not rotating.needs_sealing(anew)
    assert SecretBox(Sealer(NEW)).open(anew, PLACE) == "x"
    with pytest.raises(SealedError):
        SecretBox(Sealer(NEW)).open(sealed, PLACE)


def test_a_changed_text_does_not_open() -> None:
    box = SecretBox(Sealer(OLD))
    sealed = box.seal("secret", PLACE)
    for changed in (sealed[:-4] + "AAAA", sealed[:20], "sealed:", "sealed:é"):
        with pytest.raises(SealedError):
            box.open(changed, PLACE)


def test_a_text_from_before_there_was_sealing_is_read_and_needs_sealing() -> None:
    box = SecretBox(Sealer(OLD))
    assert box.open("whsec_clear", PLACE) == "whsec_clear"
    assert box.needs_sealing("whsec_clear")

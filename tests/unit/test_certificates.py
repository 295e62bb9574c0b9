"""A certificate holds for whoever has the public key, and for nobody once a letter of it was changed."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.security.certificates import CertificateError, CertificateSigner, certificate_key_set, verify
from shared.security.sealing import Sealer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abü"\\', max_size=3), inner, max_size=3),
    max_leaves=8,
)


class Keys:
    """The catalog's table of keys."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    async def rows(self, query: str, parameters: Any = None) -> list[dict[str, Any]]:
        if query == "add_certificate_key":
            self.kept.insert(0, dict(parameters))
            return []
        return self.kept


def signed(kept: Keys, body: dict[str, Any], sealed_with: str = "s") -> tuple[dict[str, Any], dict[str, Any]]:
    async def go() -> tuple[dict[str, Any], dict[str, Any]]:
        made = await CertificateSigner(kept, Sealer(sealed_with)).sign(body)  # type: ignore[arg-type]  # all that it asks
        return made, {"keys": await certificate_key_set(kept)}  # type: ignore[arg-type]  # likewise

    return asyncio.run(go())


@given(st.dictionaries(st.sampled_from(["a", "b", "ü", "z"]), VALUES))
def test_what_was_signed_holds_in_any_order_and_spacing(body: dict[str, Any]) -> None:
    made, keys = signed(Keys(), body)
    again = json.loads(json.dumps(dict(reversed(made.items())), indent=3, ensure_ascii=True))
    assert verify(again, keys) == made["key_id"]


BODY = {"type": "t", "events": 3, "stores": [{"store": "events", "left": 0}], "at": None, "ok": True}
CHANGES: list[dict[str, Any]] = [
    {"events": 4},
    {"events": "3"},
    {"ok": 1},
    {"stores": []},
    {"more": 1},
    {"key_id": "x"},
    {"algorithm": "none"},
    {"signature": ""},
    {"signature": ".."},
    {"signature": "e30..AA"},
    {"signature": 7},
    {"signature": None},
]


def test_what_was_changed_does_not_hold() -> None:
    made, keys = signed(Keys(), BODY)
    assert verify(made, keys)
    for change in CHANGES:
        with pytest.raises(CertificateError):
            verify({**made, **change}, keys)
    for name in made:
        with pytest.raises(CertificateError):
            verify({other: value for other, value in made.items() if other != name}, keys)
    for other in (
        {},
        {"keys": []},
        {"keys": [{"kid": made["key_id"]}]},
        {"keys": [{"kid": made["key_id"], "x": "AA"}]},
    ):
        with pytest.raises(CertificateError):
            verify(made, other)


def test_another_secret_makes_another_key_and_earlier_certificates_still_hold() -> None:
    kept = Keys()
    first, _ = signed(kept, BODY, "one")
    second, keys = signed(kept, BODY, "two")
    assert first["key_id"] != second["key_id"]
    assert verify(first, keys) == first["key_id"]
    assert verify(second, keys) == second["key_id"]
    assert signed(kept, BODY, "two")[0]["key_id"] == second["key_id"]

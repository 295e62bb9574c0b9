"""Where a request carries its key."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusals import Refusal, Rejected
from shared.security.access import key_text

KEY = "sls_" + "k" * 43


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer   {KEY} "},
        {"authorization": basic(f"{KEY}:")},
        {"authorization": basic(f"{KEY}:ignored")},
        {"authorization": basic(f":{KEY}")},
        {"authorization": basic(KEY)},
        {"authorization": basic(f"{KEY}:").replace("Basic", "BASIC")},
        {"x-api-key": KEY, "authorization": "Bearer another"},
        {"x-api-key": "", "authorization": f"Bearer {KEY}"},
    ],
)
def test_the_key_is_found_in_each_of_its_places(headers: dict[str, str]) -> None:
    assert key_text(headers) == KEY


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": basic(":")},
        {"authorization": f"Digest {KEY}"},
    ],
)
def test_without_a_key_there_is_no_text(headers: dict[str, str]) -> None:
    assert key_text(headers) == ""


@pytest.mark.parametrize("credentials", ["?", "a", "é", "\xff", base64.b64encode(b"\xff\xfe").decode()])
def test_broken_basic_credentials_are_an_unknown_key(credentials: str) -> None:
    with pytest.raises(Rejected) as caught:
        key_text({"authorization": f"Basic {credentials}"})
    assert caught.value.refusal is Refusal.KEY_UNKNOWN


@given(st.text(st.characters(max_codepoint=0xFF)))
def test_no_header_breaks_the_reading(value: str) -> None:
    for scheme in ("", "Basic ", "Bearer ", "basic"):
        try:
            key_text({"authorization": scheme + value})
        except Rejected as rejected:
            assert rejected.refusal is Refusal.KEY_UNKNOWN  # noqa: PT017 (most texts are simply no key)

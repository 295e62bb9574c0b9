"""Percent escapes in a form are read as everybody reads them, and fast."""

from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from functions.ingest.formats import _unescaped, read_events
from functions.ingest.parsing import Limits
from shared.refusals import Refusal, Rejected

pieces = st.binary() | st.sampled_from([b"%", b"%7B", b"%zz", b"\\", b"\\x41", b"\\u0041", b"%5cn", b"%e2%82%ac"])


@given(parts=st.lists(pieces))
@example(parts=[b"%7B\\x41"])
def test_escapes_mean_what_they_mean_to_the_standard_library(parts: list[bytes]) -> None:
    value = b"".join(parts)
    assert _unescaped(value) == unquote_to_bytes(value)


@given(value=st.binary())
def test_what_was_escaped_comes_back(value: bytes) -> None:
    assert _unescaped(quote_from_bytes(value).encode()) == value


def test_a_body_of_broken_escapes_is_refused_instead_of_read_for_seconds() -> None:
    with pytest.raises(Rejected) as refused:
        _unescaped(b"%z" * 1_000_000)
    assert refused.value.refusal is Refusal.MALFORMED_JSON


@pytest.mark.parametrize("padding", [b"", b"=", b"=="])
def test_base64_that_is_called_a_form_is_no_form_because_of_its_padding(padding: bytes) -> None:
    text = {b"": b"eyJldmVudCI6ImFiIn0g", b"=": b"eyJldmVudCI6ImFiIn0=", b"==": b"eyJldmVudCI6ImUifQ=="}[padding]
    found = read_events(text, {"content-type": "application/x-www-form-urlencoded"}, Limits())
    assert bytes(found.raw[0]).startswith(b'{"event":')

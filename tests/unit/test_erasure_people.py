"""Whom an erasure is about, and whether a refused payload holds them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.gdpr_delete.asked import ErasureRequest, How, kept
from shared.catalog.people import of_anonymous, of_user, person_hash
from shared.refusals import Rejected
from shared.subjects import split
from shared.warehouse.personal import holder


def test_everybody_is_named_once_and_by_kind() -> None:
    asked = ErasureRequest(user_id="a", user_ids=["b", 7, "a"], anonymous_id="a", anonymous_ids=["d"])
    assert asked.people() == ["a:a", "a:d", "u:7", "u:a", "u:b"]
    assert split(asked.people()) == (["7", "a", "b"], ["a", "d"])


@pytest.mark.parametrize("bad", [{}, {"user_ids": [""]}, {"user_id": "x" * 513}, {"user_id": "\ud800"}])
def test_nobody_and_ids_that_are_none_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(Rejected):
        ErasureRequest(**bad).people()


def test_a_hash_is_of_the_project_the_kind_and_the_person() -> None:
    hashes = {
        person_hash(key, person) for key in (b"k", b"l") for person in (of_user("x"), of_anonymous("x"), of_user("y"))
    }
    assert len(hashes) == 6
    assert {len(one) for one in hashes} == {32}


def test_what_is_kept_of_a_request_names_nobody_and_differs_by_whom_it_is_about() -> None:
    one, other = kept(["u:ada"], b"k", How()), kept(["u:bob"], b"k", How())
    assert one.people == 1
    assert "ada" not in one.fingerprint
    assert one.fingerprint not in {other.fingerprint, kept(["u:ada"], b"l", How()).fingerprint}


@given(st.text(min_size=1, max_size=20), st.sampled_from(["{}", "[{}]", '{{"a":{{"b":[{}]}}}}']), st.booleans())
def test_json_holds_a_value_however_it_is_escaped_or_packed(who: str, around: str, ascii_only: bool) -> None:  # noqa: FBT001 (hypothesis gives it)
    try:
        who.encode()
    except UnicodeEncodeError:
        return
    raw = around.format(json.dumps(who, ensure_ascii=ascii_only))
    assert holder([who, "other"])(raw, "utf-8")
    assert holder([who])(base64.b64encode(raw.encode()).decode(), "base64")


@pytest.mark.parametrize(
    ("raw", "holds"),
    [
        ('{"user_id":"ada"}', True),
        ('{"user_id":"adam","note":"ada was here"}', False),
        ('{"ada":1}', True),
        ("12", True),
        ("[12.5]", False),
        ('{"user_id":"ada"', True),
        ("user=ada;x", True),
        ("ada-2 _ada adam", False),
        ("", False),
    ],
)
def test_a_payload_holds_a_person_as_a_value_or_where_it_is_broken_as_a_word(raw: str, holds: bool) -> None:  # noqa: FBT001 (a case)
    assert holder(["ada", "12"])(raw, "utf-8") is holds

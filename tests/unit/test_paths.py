"""Paths with named segments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.paths import is_template, match

RECEIPT = "/api/v1/receipts/{id}"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        (RECEIPT, "/api/v1/receipts/abc-_", {"id": "abc-_"}),
        (RECEIPT, "/api/v1/receipts/{id}", {"id": "{id}"}),
        (RECEIPT, "/api/v1/receipts/", None),
        (RECEIPT, "/api/v1/receipts", None),
        (RECEIPT, "/api/v1/receipts/a/b", None),
        (RECEIPT, "/api/v1/receipts/a/", None),
        (RECEIPT, "/api/v2/receipts/a", None),
        (RECEIPT, "api/v1/receipts/a", None),
        ("/a/{x}/b/{y}", "/a/1/b/2", {"x": "1", "y": "2"}),
        ("/a/{x}/b/{y}", "/a/1/c/2", None),
        ("/a", "/a", {}),
    ],
)
def test_a_path_gives_the_segments_that_are_named(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert match(template, path) == expected


@given(st.text(st.characters(exclude_characters="/"), min_size=1))
def test_a_segment_of_any_text_is_found(text: str) -> None:
    assert match(RECEIPT, f"/api/v1/receipts/{text}") == {"id": text}


def test_a_path_without_a_named_segment_is_no_template() -> None:
    assert is_template(RECEIPT)
    assert not is_template("/api/v1/events")

"""Ids: UUIDv7 as RFC 9562 §5.7 wants them, and named ids that are the same each time."""

import os
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import named, uuid7, uuid7_micros, uuid7_text

millis = st.integers(0, 2**48 - 1)
SPACE = uuid.UUID("018f0000-0000-7000-8000-00000000000a")


@given(millis)
def test_a_uuid7_holds_its_version_variant_and_time(at: int) -> None:
    made = uuid7(at)
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, at)
    assert uuid7_micros(made) == at * 1_000


def test_without_a_time_it_is_now() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


@given(millis, st.binary(min_size=10, max_size=10))
def test_the_text_form_is_a_uuid7_in_canonical_spelling(at: int, entropy: bytes) -> None:
    text = uuid7_text(at, entropy)
    made = uuid.UUID(text)
    assert str(made) == text
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, at)


def test_ids_made_in_the_same_millisecond_differ() -> None:
    assert len({uuid7(1) for _ in range(10_000)}) == 10_000
    assert len({uuid7_text(1, os.urandom(10)) for _ in range(10_000)}) == 10_000


def test_every_random_bit_is_used() -> None:
    made = [uuid7(0).int for _ in range(200)]
    texts = [uuid.UUID(uuid7_text(0, os.urandom(10))).int for _ in range(200)]
    fixed = 0xF << 76 | 0b11 << 62 | (2**48 - 1) << 80
    for values in (made, texts):
        seen, always = 0, (1 << 128) - 1
        for value in values:
            seen |= value
            always &= value
        assert (seen & ~always) | fixed == (1 << 128) - 1


def test_ids_sort_by_their_time() -> None:
    assert uuid7(1) < uuid7(2) < uuid7(2**40)
    assert uuid7_text(1, b"\xff" * 10) < uuid7_text(2, b"\x00" * 10)


@pytest.mark.parametrize("other", [uuid.uuid4(), uuid.uuid5(SPACE, "x"), uuid.UUID(int=0)])
def test_other_versions_have_no_time(other: uuid.UUID) -> None:
    assert uuid7_micros(other) is None


@given(st.text(), st.text())
def test_a_named_id_is_the_same_each_time_and_belongs_to_its_space(first: str, second: str) -> None:
    made = named(SPACE, first, second)
    assert made == named(SPACE, first, second)
    assert made.version == 5
    assert made != named(uuid.uuid5(SPACE, "other"), first, second)


def test_parts_of_a_name_do_not_run_together() -> None:
    assert named(SPACE, "ab", "c") != named(SPACE, "a", "bc")
    assert named(SPACE, "17") == named(SPACE, 17) == uuid.uuid5(SPACE, "17")

"""Which events are the same when they come again: the parts that need no catalog."""

import hashlib
import uuid
from typing import Any

import pytest

from functions.ingest.sightings import (
    MAX_KEY,
    claim_of,
    event_id,
    read_key,
    sighting_id,
)
from shared.events import Row
from shared.ids import named
from shared.refusals import Refusal, Rejected

PROJECT = uuid.UUID("0190b7a0-0000-7000-8000-000000000001")
OTHER_PROJECT = uuid.UUID("0190b7a0-0000-7000-8000-000000000002")
NOW = "2026-01-31 12:00:00.000000"


def row(**fields: Any) -> Row:
    return Row(
        **{"event": "bought", "event_id": str(named(PROJECT, "o-1")), "timestamp": NOW, "received_at": NOW} | fields
    )


def test_a_place_under_a_key_always_has_the_same_id() -> None:
    assert event_id(PROJECT, "k", 3) == event_id(PROJECT, "k", 3)
    assert event_id(PROJECT, "k", 3).version == 5


def test_project_key_and_place_each_make_another_id() -> None:
    ids = [
        event_id(PROJECT, "k", 0),
        event_id(PROJECT, "k", 1),
        event_id(PROJECT, "K", 0),
        event_id(OTHER_PROJECT, "k", 0),
        event_id(PROJECT, "k1", 0),
        event_id(PROJECT, "k", 10),
        named(PROJECT, "k"),  # what a client's own id "k" becomes
    ]
    assert len(set(ids)) == len(ids)


def test_a_retry_is_known_again_whatever_else_changed_in_it() -> None:
    first = row(user_id="u", anonymous_id="a", session_id="s")
    again = row(user_id="u", anonymous_id="b", received_at="2026-01-31 12:00:09.000000", url="/x")
    assert sighting_id(first) == sighting_id(again)


@pytest.mark.parametrize(
    "other",
    [
        {"event": "refunded"},
        {"event_id": str(named(PROJECT, "o-2"))},
        {"user_id": "w"},
        {"user_id": "", "anonymous_id": "u"},
        {"user_id": ""},
    ],
)
def test_an_event_that_differs_in_its_identity_has_a_first_sight_of_its_own(other: dict[str, str]) -> None:
    assert sighting_id(row(user_id="u")) != sighting_id(row(**({"user_id": "u"} | other)))


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("k", "k"),
        ('"k"', "k"),
        (" k ", "k"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('a"b', 'a"b'),
        ('"a"b"', '"a"b"'),
        ('"', '"'),
        ("order 1; retry", "order 1; retry"),
        ("x" * MAX_KEY, "x" * MAX_KEY),
        ('"' + "x" * MAX_KEY + '"', "x" * MAX_KEY),
    ],
)
def test_a_key_is_read_bare_or_quoted(header: str, key: str) -> None:
    assert read_key({"idempotency-key": header}) == key


def test_a_request_without_the_header_has_no_key() -> None:
    assert read_key({"content-type": "application/json"}) is None


@pytest.mark.parametrize("header", ["", "  ", '""', "x" * (MAX_KEY + 1), "a\tb", "ключ", "a\x00b", "a\x7f", "é"])
def test_a_key_that_cannot_be_kept_is_refused(header: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_key({"idempotency-key": header})
    assert refused.value.refusal is Refusal.BAD_IDEMPOTENCY_KEY
    assert refused.value.detail


def test_a_claim_binds_the_key_to_the_bytes_of_the_body() -> None:
    claim = claim_of("k", b'{"event":"a"}')
    assert claim == ("k", hashlib.sha256(b'{"event":"a"}').digest())
    assert claim != claim_of("k", b'{"event": "a"}')

"""Edits of refused events: what each does, what none touches, and what is refused."""

import json
from typing import Any

import msgspec
import pytest

from functions.replay.asked import ReplayRequest
from functions.replay.edits import Edit, check, edited
from functions.replay.stored import as_sent, refused_of
from shared.clock import to_datetime
from shared.events import Row, encode_line
from shared.refusals import Refusal, Rejected
from shared.replaying import check as check_signed
from shared.replaying import project_of, signed

NOW = to_datetime(1_780_000_000_000_000)


def edits(*given: dict[str, Any]) -> list[Edit]:
    return msgspec.json.decode(json.dumps(given), type=list[Edit])


def after(sent: object, *given: dict[str, Any]) -> Any:
    return json.loads(edited(json.dumps(sent).encode(), edits(*given)))


def test_fields_are_renamed_dropped_and_set() -> None:
    sent = {"usr": "ada", "properties": {"cost": 1, "x": 2}}
    assert after(sent, {"op": "rename", "field": "usr", "to": "user_id"})["user_id"] == "ada"
    assert after(sent, {"op": "rename", "field": "properties.cost", "to": "properties.deep.price"}) == {
        "usr": "ada",
        "properties": {"x": 2, "deep": {"price": 1}},
    }
    assert after(sent, {"op": "rename", "field": "usr", "to": "properties.x"}) == sent  # what is there stays
    assert after(sent, {"op": "drop", "field": "properties.x"}, {"op": "drop", "field": "a.b"}) == {
        "usr": "ada",
        "properties": {"cost": 1},
    }
    assert after(sent, {"op": "set", "field": "event", "value": "buy"})["event"] == "buy"
    assert after(sent, {"op": "set", "field": "usr", "value": {"a": None}, "only_missing": True}) == sent


@pytest.mark.parametrize(
    ("value", "to", "made"),
    [
        ("42", "integer", 42),
        ("-7.0", "integer", -7),
        ("7.5", "integer", "7.5"),
        ("1,5", "number", "1,5"),
        ("1.50", "number", 1.5),
        ("inf", "number", "inf"),
        (12345678901234567890123, "text", "12345678901234567890123"),
        ("Yes", "boolean", True),
        (0, "boolean", False),
        ("maybe", "boolean", "maybe"),
        ([1], "text", [1]),
        (None, "text", None),
    ],
)
def test_a_value_is_cast_or_left(value: object, to: str, made: object) -> None:
    assert after({"f": value}, {"op": "cast", "field": "f", "to": to}) == {"f": made}


def test_what_no_edit_touches_keeps_its_bytes() -> None:
    raw = b'{"b": 1.10, "big": 123456789012345678901234567890, "properties": {"n": 1e2, "t": "\\u00e9"}, "x": 1}'
    assert edited(raw, []) is raw
    kept = edited(raw, edits({"op": "drop", "field": "x"}))
    assert kept == b'{"b":1.10,"big":123456789012345678901234567890,"properties":{"n": 1e2, "t": "\\u00e9"}}'


def test_each_event_of_a_list_is_edited() -> None:
    drop = {"op": "drop", "field": "x"}
    assert after([{"x": 1, "a": 1}, {"x": 2}], drop) == [{"a": 1}, {}]
    assert after({"batch": [{"x": 1}], "x": 3}, drop) == {"batch": [{}], "x": 3}


def test_what_cannot_be_edited_is_refused_by_its_reason() -> None:
    drop = edits({"op": "drop", "field": "x"})
    for raw, reason in (
        (b'{"a":1', Refusal.MALFORMED_JSON),
        (b"\xff", Refusal.MALFORMED_JSON),
        (b'{"a":1,"a":2}', Refusal.DUPLICATE_KEY),
        (b"[" * 100_000, Refusal.TOO_DEEP),
    ):
        with pytest.raises(Rejected) as refused:
            edited(raw, drop)
        assert refused.value.refusal == reason


def test_rules_that_could_never_hold_are_refused() -> None:
    for given in (
        {"op": "drop", "field": "a..b"},
        {"op": "drop", "field": ".".join("a" * 40)},
        {"op": "rename", "field": "a", "to": "a.b"},
        {"op": "rename", "field": "a", "to": "a"},
    ):
        with pytest.raises(Rejected):
            check(edits(given))
    with pytest.raises(Rejected, match="at most"):
        check(edits(*[{"op": "drop", "field": "a"}] * 51))
    wrongs: list[dict[str, Any]] = [
        {"reason": "no_such"},
        {"source": "moon"},
        {"start": "2030-01-02", "end": "2030-01-01"},
    ]
    for wrong in wrongs:
        with pytest.raises(Rejected):
            ReplayRequest(**wrong).settled(NOW)
    assert ReplayRequest().settled(NOW).end == NOW


def test_a_row_the_warehouse_refused_is_an_event_again() -> None:
    row = Row(
        event="buy",
        event_id="018f7a00-0000-7000-8000-000000000001",
        timestamp="2026-01-31 12:00:00.000001",
        received_at="2026-01-31 12:00:00.000001",
        user_id="ada",
        client_id="order-1",
        properties_raw=msgspec.Raw(b'{"n":1.10}'),
    )
    sent = as_sent(encode_line(row) + b"}")
    assert json.loads(sent) == {
        "event": "buy",
        "id": "order-1",
        "timestamp": "2026-01-31T12:00:00.000001Z",
        "user_id": "ada",
        "properties": {"n": 1.1},
    }
    assert b'"n":1.10' in sent


def test_what_is_not_all_there_is_not_sent_again() -> None:
    whole = ("b", 1, 2, '{"a":1}', "utf-8", "ingest", "why")
    assert refused_of(whole).raw == b'{"a":1}'
    assert refused_of((*whole[:6], "why (the first 5 of 9 bytes are kept)")).raw is None
    assert refused_of((*whole[:3], "", "utf-8", "ingest", "why")).raw is None
    assert refused_of((*whole[:3], "eyJ9", "base64", "ingest", "")).raw == b'{"}'


def test_only_this_instance_can_ask_ingest_to_take_again() -> None:
    project = project_of("018f7a00-0000-7000-8000-000000000001 x")
    header = signed(project, b"k" * 32, b"body", 1_000)
    check_signed(header, b"k" * 32, b"body", 1_060)
    other = header.replace("018f7a00", "018f7a01")
    for given, secret, body, seconds in (
        (header, b"k" * 32, b"body", 1_061),
        (header, b"k" * 32, b"another", 1_000),
        (header, b"x" * 32, b"body", 1_000),
        (header, None, b"body", 1_000),
        (other, b"k" * 32, b"body", 1_000),
        (header.replace("1060", "9999"), b"k" * 32, b"body", 1_000),
        (f"{project}", b"k" * 32, b"body", 1_000),
        (f"{project} {'9' * 5000} x", b"k" * 32, b"body", 1_000),
    ):
        with pytest.raises(Rejected) as refused:
            check_signed(given, secret, body, seconds)
        assert refused.value.refusal == Refusal.KEY_UNKNOWN
    with pytest.raises(Rejected):
        project_of("")

"""What ingest makes of one event: the row's columns, or the refusal."""

import json
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.validate import DEFAULT_LIMITS, EventLimits, Identity, arrival, validate
from shared.clock import to_micros
from shared.events import Row, encode_line
from shared.refusals import Refusal, Rejected

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
NOW = 1_795_224_000_000_000  # 2026-11-21T01:20:00Z
ENTROPY = bytes(range(10))


def row(event: object) -> Row:
    raw = event if isinstance(event, bytes) else json.dumps(event).encode()
    return validate(raw, arrival(PROJECT, NOW), ENTROPY).row


def refusal(event: object) -> Refusal:
    with pytest.raises(Rejected) as caught:
        row(event)
    return caught.value.refusal


def test_a_full_event_becomes_a_row_with_the_clients_own_values() -> None:
    made = row(
        {
            "event": "purchase",
            "user_id": "u1",
            "anonymous_id": "a1",
            "session_id": "s1",
            "timestamp": "2026-11-20T10:00:00.5+03:00",
            "id": "018F0000-0000-7000-8000-000000000001",
            "properties": {"price": 1.5},
            "context": {"library": "curl"},
        }
    )
    assert made == Row(
        event="purchase",
        event_id="018f0000-0000-7000-8000-000000000001",
        timestamp="2026-11-20 07:00:00.500000",
        received_at="2026-11-21 01:20:00.000000",
        user_id="u1",
        anonymous_id="a1",
        session_id="s1",
        properties_raw=msgspec.Raw(b'{"price": 1.5}'),
        context_raw=msgspec.Raw(b'{"library": "curl"}'),
    )


@pytest.mark.parametrize("spelling", ["event", "event_type", "type", "name"])
def test_an_event_name_is_taken_from_any_spelling(spelling: str) -> None:
    assert row({spelling: "x"}).event == "x"


def test_the_first_spelling_wins_and_the_others_stay_properties() -> None:
    made = row({"event": "x", "name": "Ada"})
    assert (made.event, bytes(made.properties_raw)) == ("x", b'{"name":"Ada"}')


def test_unknown_top_level_fields_join_the_properties_unchanged() -> None:
    made = row(b'{"event":"x","price":1.10,"properties":{"big":123456789012345678901234567890}}')
    assert bytes(made.properties_raw) == b'{"big":123456789012345678901234567890,"price":1.10}'


def test_a_line_break_between_tokens_does_not_break_the_line() -> None:
    assert b"\n" not in encode_line(row(b'{"event":"x","properties":{\r\n "a":\n1}}'))


@pytest.mark.parametrize(
    ("given_id", "event_id", "client_id"),
    [
        ("order-17", str(uuid.uuid5(PROJECT, "order-17")), "order-17"),
        (17, str(uuid.uuid5(PROJECT, "17")), "17"),
        ("A18F0000-0000-4000-8000-000000000001", "a18f0000-0000-4000-8000-000000000001", ""),
    ],
)
def test_a_clients_id_gives_the_same_event_id_each_time(given_id: object, event_id: str, client_id: str) -> None:
    made = row({"event": "x", "id": given_id})
    assert (made.event_id, made.client_id) == (event_id, client_id)


def test_without_an_id_a_uuid7_is_made() -> None:
    made = uuid.UUID(row({"event": "x"}).event_id)
    assert (made.version, made.variant, made.int >> 80) == (7, uuid.RFC_4122, NOW // 1_000)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-11-20T10:00:00Z", "2026-11-20 10:00:00"),
        ("2026-11-20T10:00:00.123456Z", "2026-11-20 10:00:00.123456"),
        ("2026-11-20T10:00:00.123456789Z", "2026-11-20 10:00:00.123456"),
        ("2026-11-20 10:00:00", "2026-11-20 10:00:00.000000"),
        ("2026-11-20", "2026-11-20 00:00:00.000000"),
        (0, "1970-01-01 00:00:00.000000"),
        (1_700_000_000, "2023-11-14 22:13:20.000000"),
        (1_700_000_000.123456, "2023-11-14 22:13:20.123456"),
        (1_700_000_000_123, "2023-11-14 22:13:20.123000"),
        (1_700_000_000_123_456, "2023-11-14 22:13:20.123456"),
    ],
)
def test_timestamps_keep_their_instant(sent: object, stored: str) -> None:
    assert row({"event": "x", "timestamp": sent}).timestamp == stored


def test_without_a_timestamp_the_time_inside_a_clients_uuid7_counts() -> None:
    made = row({"event": "x", "id": "018f0000-0000-7000-8000-000000000001"})
    assert made.timestamp == "2024-04-21 09:32:31.104000"


def test_without_a_timestamp_or_timed_id_the_arrival_counts() -> None:
    assert row({"event": "x", "id": "order-17"}).timestamp == "2026-11-21 01:20:00.000000"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (b"[]", Refusal.NOT_AN_OBJECT),
        (b"3", Refusal.NOT_AN_OBJECT),
        ({}, Refusal.NAME_MISSING),
        ({"event": ""}, Refusal.NAME_MISSING),
        ({"event": "  "}, Refusal.NAME_MISSING),
        ({"event": None}, Refusal.NAME_MISSING),
        ({"event": 1}, Refusal.WRONG_TYPE),
        ({"event": ["x"]}, Refusal.WRONG_TYPE),
        ({"event": "x" * 201}, Refusal.NAME_TOO_LONG),
        ({"event": "x", "user_id": 1.5}, Refusal.WRONG_TYPE),
        ({"event": "x", "user_id": True}, Refusal.WRONG_TYPE),
        ({"event": "x", "user_id": {"a": 1}}, Refusal.WRONG_TYPE),
        ({"event": "x", "user_id": "u" * 513}, Refusal.VALUE_TOO_LONG),
        ({"event": "x", "id": ""}, Refusal.BAD_ID),
        ({"event": "x", "id": "00000000-0000-0000-0000-000000000000"}, Refusal.BAD_ID),
        ({"event": "x", "id": "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}, Refusal.BAD_ID),
        ({"event": "x", "timestamp": "yesterday"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": "1969-12-31T23:59:59Z"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": "2026-11-22T01:20:01Z"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": "0001-01-01T00:00:00+14:00"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": "9999-12-31T23:59:59-14:00"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": True}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": 1e300}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "timestamp": -1}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "sent_at": "0001-01-01T00:00:00+14:00"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x\0"}, Refusal.BAD_TEXT),
        ({"event": "x", "properties": {"a": ["\0"]}}, Refusal.BAD_TEXT),
        (b'{"event":"x","properties":{"a":"\xff"}}', Refusal.BAD_TEXT),
        (b'{"event":"\xff"}', Refusal.BAD_TEXT),
        (b'{"event":"x","\xff":1}', Refusal.BAD_TEXT),
        ({"event": "x", "properties": []}, Refusal.WRONG_TYPE),
        ({"event": "x", "properties": "{}"}, Refusal.WRONG_TYPE),
        ({"event": "x", "context": 5}, Refusal.WRONG_TYPE),
        (b'{"event":"x","properties":{"a":1e400}}', Refusal.BAD_PROPERTIES),
        (b'{"event":"x","event":"y"}', Refusal.DUPLICATE_KEY),
        (b'{"event":"x","properties":{"a":1,"a":2}}', Refusal.DUPLICATE_KEY),
        (b'{"event":"x","properties":{"a" :1,"a":2}}', Refusal.DUPLICATE_KEY),
        (b'{"event":"x","properties":{"a":1,"\\u0061":2}}', Refusal.DUPLICATE_KEY),
        (b'{"event":"x","properties":{"l":[{"a":1,"a":2}]}}', Refusal.DUPLICATE_KEY),
        (b'{"event":"x","plan":1,"properties":{"plan":2}}', Refusal.DUPLICATE_KEY),
        ({"event": "x", "properties": {"b": {"c": 1}, "b.c": 2}}, Refusal.DUPLICATE_KEY),
        ({"event": "x", "properties": {"l": [{"b": {"c": 1}, "b.c": 2}]}}, Refusal.DUPLICATE_KEY),
        ({"event": "x", "properties": {"a": {"b": [{"c.d": 1, "c": {"d": 1}}]}}}, Refusal.DUPLICATE_KEY),
        ({"event": "x", "properties": {"a": [[{"c.d": 1, "c": {"d": 1}}]]}}, Refusal.DUPLICATE_KEY),
        ({"event": "x", "id": "ffffffff-ffff-7fff-bfff-fffffffffffe"}, Refusal.BAD_TIMESTAMP),
        ({"event": "x", "properties": {f"p{n}": n for n in range(256)}}, Refusal.TOO_MANY_PROPERTIES),
        ({"event": "x", "properties": {"a": "x" * DEFAULT_LIMITS.event_bytes}}, Refusal.EVENT_TOO_LARGE),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_reason(event: object, reason: Refusal) -> None:
    assert refusal(event) == reason


@pytest.mark.parametrize(("levels", "taken"), [(31, True), (32, False)])
def test_nesting_has_a_bound(levels: int, *, taken: bool) -> None:
    event = b'{"event":"x","properties":{"a":' + b"[" * levels + b"]" * levels + b"}}"
    if taken:
        assert row(event).event == "x"
    else:
        assert refusal(event) == Refusal.TOO_DEEP


@pytest.mark.parametrize("text", ['a":1', "\\u0000 is text", '" :', "http://x/?a=1:2", "ключ", "🙂"])
def test_texts_that_look_like_json_are_only_texts(text: str) -> None:
    made = row({"event": "x", "properties": {"a": text, text: 1}})
    assert msgspec.json.decode(made.properties_raw) == {"a": text, text: 1}


_keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0."), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=20,
)


@given(st.dictionaries(_keys, json_values, max_size=20), st.sampled_from(["ascii", "utf-8"]))
def test_properties_come_through_byte_for_byte(properties: dict[str, object], encoding: str) -> None:
    sent = json.dumps(properties, ensure_ascii=encoding == "ascii")
    raw = f'{{"event":"x","properties":{sent}}}'.encode()
    assert bytes(row(raw).properties_raw) == sent.encode()


def test_the_fixed_now_is_what_it_says() -> None:
    from datetime import UTC, datetime

    assert to_micros(datetime(2026, 11, 21, 1, 20, tzinfo=UTC)) == NOW


def undated(event: dict[str, object], identity: Identity | None = None) -> str:
    return validate(json.dumps(event).encode(), arrival(PROJECT, NOW), ENTROPY, identity).undated


UUID_7 = "018f0000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("id", ["o-1", 7, "7b2d1c3e-58a4-4a36-9d6c-2b1f0e8f4a11"])
def test_an_id_of_the_clients_without_any_time_waits_for_its_first_sight(id: object) -> None:  # noqa: A002 (the field)
    assert undated({"event": "x", "id": id}) == "by_id"
    assert undated({"event": "x", "id": id, "ts": 1_700_000_000}) == ""
    assert undated({"event": "x", "id": id}, Identity(PROJECT, by_key=True)) == "by_id"


def test_an_event_that_nobody_can_repeat_is_dated_by_its_arrival() -> None:
    assert undated({"event": "x"}) == ""
    assert undated({"event": "x", "id": UUID_7}) == ""


def test_an_identity_made_for_an_event_is_its_id_and_dates_it() -> None:
    made = validate(b'{"event":"x"}', arrival(PROJECT, NOW), ENTROPY, Identity(uuid.UUID(int=7 << 64), "c-1"))
    assert (made.row.event_id, made.row.client_id, made.undated) == (str(uuid.UUID(int=7 << 64)), "c-1", "by_id")
    assert undated({"event": "x"}, Identity(uuid.UUID(int=7 << 64), by_key=True)) == "by_key"


@pytest.mark.parametrize("spelling", ["page_url", "url", "page"])
def test_the_page_is_taken_from_any_spelling(spelling: str) -> None:
    assert row({"event": "x", spelling: "/pricing?a=1"}).url == "/pricing?a=1"


def test_a_page_that_is_an_object_stays_a_property() -> None:
    made = row({"event": "x", "page": {"url": "/a"}})
    assert (made.url, json.loads(bytes(made.properties_raw))) == ("", {"page": {"url": "/a"}})


def test_limits_are_what_the_settings_say() -> None:
    small = arrival(PROJECT, NOW, EventLimits(event_bytes=60, properties=1, depth=1, ahead_seconds=60))
    for event, refused in [
        ({"event": "x" * 60}, Refusal.EVENT_TOO_LARGE),
        ({"event": "x", "properties": {"a": 1, "b": 2}}, Refusal.TOO_MANY_PROPERTIES),
        ({"event": "x", "properties": {"a": {"b": 1}}}, Refusal.TOO_DEEP),
        ({"event": "x", "ts": NOW + 61_000_000}, Refusal.BAD_TIMESTAMP),
    ]:
        with pytest.raises(Rejected) as caught:
            validate(json.dumps(event).encode(), small, ENTROPY)
        assert caught.value.refusal is refused


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("1640995200", "2022-01-01 00:00:00.000000"),
        ("1640995200.25", "2022-01-01 00:00:00.250000"),
        ("1640995200123", "2022-01-01 00:00:00.123000"),
        ("1640995200123456", "2022-01-01 00:00:00.123456"),
        ("20260131", "2026-01-31 00:00:00.000000"),
        ("2026-01-31t10:00Z", "2026-01-31 10:00:00.000000"),
    ],
)
def test_a_time_may_be_a_text_of_an_epoch_or_a_day(text: str, taken: str) -> None:
    assert row({"event": "x", "timestamp": text}).timestamp == taken


@pytest.mark.parametrize("text", ["2026-01-31-05:00", "2026-01-31x10:00", "202601311200", "20260101912", "164099520"])
def test_a_text_that_could_be_read_in_two_ways_is_no_time(text: str) -> None:
    assert refusal({"event": "x", "timestamp": text}) is Refusal.BAD_TIMESTAMP

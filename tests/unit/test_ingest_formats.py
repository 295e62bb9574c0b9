"""Every way a request can be written: what is taken as events, under whose key, and what is refused."""

import base64
import gzip
import json
import tracemalloc
import uuid
from collections.abc import Mapping
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ingest.formats import key_from_address, read_events
from functions.ingest.parsing import Events, Limits
from functions.ingest.validate import arrival, validate
from shared.refusals import Refusal, Rejected

LIMITS = Limits()
KEY = "slp_" + "k" * 43
SECRET = "sls_" + "k" * 43
EVENT = {"event": "a", "user_id": "u1", "properties": {"price": 1.5}}
BODY = json.dumps(EVENT).encode()
FORM = {"content-type": "application/x-www-form-urlencoded"}
NDJSON = {"content-type": "application/x-ndjson"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
ARRIVED = arrival(uuid.UUID(int=1), 1_795_224_000_000_000)


def read(body: bytes, headers: Mapping[str, str] | None = None, limits: Limits = LIMITS) -> Events:
    return read_events(body, headers or {}, limits)


def values(events: Events) -> list[object]:
    return [json.loads(bytes(raw)) for raw in events.raw]


def refused(body: bytes, headers: Mapping[str, str] | None = None, limits: Limits = LIMITS) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(body, headers, limits)
    return caught.value


# one event, a list, an envelope


@pytest.mark.parametrize(
    ("body", "count", "single"),
    [
        (b'{"event":"a"}', 1, True),
        (b'\xef\xbb\xbf {"event":"a"} ', 1, True),
        (b'[{"event":"a"},{"event":"b"}]', 2, False),
        (b'{"events":[{"event":"a"}]}', 1, False),
        (b'{"event":"a","events":[1]}', 1, True),
        (b'{"events":[{"event":"a","properties":{"events":1}}]}', 1, False),
        (b'{"batch":[{"event":"a"},{"event":"b"}]}', 2, False),
        (b'{"type":"a","batch":[1]}', 1, True),
        (b'{"event":"a","properties":{"batch":[1],"events":[2]}}', 1, True),
        (b'{"batch":"b7","event_type":"a"}', 1, True),
        (b'[1,"x",null,{"event":"a"}]', 4, False),
    ],
)
def test_one_event_a_list_or_an_object_with_a_list_are_taken(body: bytes, count: int, *, single: bool) -> None:
    events = read(body)
    assert (len(events.raw), events.single, events.key) == (count, single, "")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", Refusal.MALFORMED_JSON),
        (b" \r\n ", Refusal.MALFORMED_JSON),
        (b"\xef\xbb\xbf", Refusal.MALFORMED_JSON),
        (b"hello", Refusal.MALFORMED_JSON),
        (b"3", Refusal.WRONG_SHAPE),
        (b"null", Refusal.WRONG_SHAPE),
        (b'"text"', Refusal.WRONG_SHAPE),
        (b"[]", Refusal.WRONG_SHAPE),
        (b'[{"event":"a"},]', Refusal.MALFORMED_JSON),
        (b'{"events":[]}', Refusal.WRONG_SHAPE),
        (b'{"events":{}}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"a"}],"sent_at":1}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"a"}],"batch":[]}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"a"}],"type":"b"}', Refusal.WRONG_SHAPE),
        (b'{"batch":[{"event":"a"}],"context":{}}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"\\ud800"}],"sent_at":1}', Refusal.WRONG_SHAPE),
        (b'{"events":[{"event":"a"}],"events":[{"event":"b"}]}', Refusal.DUPLICATE_KEY),
        (b'{"events":[{"event":"a"}', Refusal.MALFORMED_JSON),
        (b"[" + b"[" * 5_000 + b"]" * 5_000 + b"]", Refusal.TOO_DEEP),
    ],
)
def test_what_would_lose_something_is_refused_as_a_whole(body: bytes, refusal: Refusal) -> None:
    assert refused(body).refusal == refusal


def test_malformed_json_is_refused_with_the_byte_where_it_breaks() -> None:
    assert refused(b'[{"event":}]').extra == {"position": 10}


def test_what_stands_beside_the_events_is_named() -> None:
    assert "'sent_at'" in refused(b'{"events":[{"event":"a"}],"sent_at":1}').detail


def test_half_a_surrogate_pair_spoils_only_its_own_event() -> None:
    assert values(read(b'[{"event":"\\ud83d"},{"event":"\\\\ud83d \\ud83d\\ude00"}]')) == [
        {"event": "\0"},
        {"event": "\\ud83d 😀"},
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"[" + b"{}," * 10 + b"{}]", {}),
        (b'{"events":[' + b"1," * 10 + b"1]}", {}),
        (b'{"batch":[' + b"1," * 10 + b"1]}", {}),
        (b'{"event":"a"}\n' * 11, {}),
        (b'{"event":"a"}\n' * 11, NDJSON),
        (b'{"event":"a"}' + b"\n" * 30 + b'{"event":"a"}', NDJSON),
        (b"[" + b"{}," * 10 + b"{}]", BATCH),
    ],
)
def test_no_more_events_than_allowed_are_taken(body: bytes, headers: Mapping[str, str]) -> None:
    assert refused(body, headers, Limits(events=10)).refusal is Refusal.TOO_MANY_EVENTS


def test_as_many_events_as_allowed_are_taken() -> None:
    assert len(read(b"[" + b",".join([b'{"event":"a"}'] * 10) + b"]", limits=Limits(events=10)).raw) == 10
    wide = b'{"event":"a","properties":{' + b",".join(b'"p%d":1' % place for place in range(90)) + b"}}"
    assert values(read(b"[" + b",".join([wide] * 10) + b"]", limits=Limits(events=10))) == [json.loads(wide)] * 10


def test_millions_of_elements_are_refused_before_they_take_memory() -> None:
    body = b"[" + b"1," * 2_000_000 + b"1]"
    tracemalloc.start()
    try:
        assert refused(body).refusal is Refusal.TOO_MANY_EVENTS
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


# NDJSON


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "text/x-ndjson; charset=utf-8",
        "Application/X-NDJSON",
    ],
)
def test_ndjson_is_one_event_a_line(content_type: str) -> None:
    body = b'\xef\xbb\xbf{"event":"a"}\r\n\r\n \n{"event":"b"}\n\n'
    events = read(body, {"content-type": content_type})
    assert ([bytes(raw) for raw in events.raw], events.single) == ([b'{"event":"a"}', b'{"event":"b"}'], False)


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain;charset=UTF-8", "application/octet-stream", ""]
)
@pytest.mark.parametrize("between", [b"\n", b"\r\n", b" \n\n\t"])
def test_several_objects_with_a_line_each_are_ndjson_whatever_they_are_called(
    content_type: str, between: bytes
) -> None:
    assert len(read(BODY + between + BODY, {"content-type": content_type}).raw) == 2


def test_an_event_over_several_lines_is_one_event() -> None:
    assert values(read(json.dumps(EVENT, indent=2).encode())) == [EVENT]


def test_a_bad_line_is_passed_on_for_its_own_refusal_and_spoils_no_other() -> None:
    events = read(b'{"event":"a"}\n{"event":\n3\n{"event":"b"}', NDJSON)
    assert [bytes(raw) for raw in events.raw] == [b'{"event":"a"}', b'{"event":', b"3", b'{"event":"b"}']


def test_a_list_called_ndjson_is_a_list() -> None:
    assert len(read(b'[{"event":"a"},\n{"event":"b"}]', NDJSON).raw) == 2


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(), max_size=3), min_size=1))
def test_any_objects_come_through_ndjson_unchanged(sent: list[dict[str, object]]) -> None:
    body = "\n".join(json.dumps(value, ensure_ascii=False) for value in sent).encode()
    assert values(read(body, NDJSON)) == sent


# forms, base64, content types, character sets


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/plain"}, BODY),
        ({"content-type": "text/plain"}, base64.b64encode(BODY)),
        ({}, base64.urlsafe_b64encode(BODY).rstrip(b"=")),
        (FORM, BODY),  # `curl -d` says form of anything
        (FORM, b"data=" + quote(BODY).encode()),
        (FORM, b"data=" + quote_plus(BODY).encode()),
        (FORM, b"ip=1&verbose=1&data=" + quote(base64.b64encode(BODY)).encode()),
        (FORM, b"data=" + base64.b64encode(BODY)),
        (FORM, b"compression=gzip&data=" + quote(base64.b64encode(gzip.compress(BODY, mtime=0))).encode()),
        ({"content-type": "text/plain"}, b"data=" + quote(BODY).encode()),
        ({"content-type": "application/json; charset=utf-16"}, json.dumps(EVENT).encode("utf-16-le")),
        ({"content-type": "application/json; charset=utf-16"}, json.dumps(EVENT).encode("utf-16")),
        ({"content-type": "text/plain"}, json.dumps(EVENT).encode("utf-16")),
        ({"content-type": "application/vnd.shop.event+json"}, BODY),
        ({"content-type": "application/xml"}, BODY),
    ],
)
def test_the_event_is_found_however_it_is_wrapped(headers: Mapping[str, str], body: bytes) -> None:
    assert values(read(body, headers)) == [EVENT]


def test_base64_with_plus_signs_survives_a_form_that_does_not_escape_them() -> None:
    body = '{"event":"»»»~~~ÿÿÿ>>>"}'.encode()
    encoded = base64.b64encode(body)
    assert b"+" in encoded
    assert values(read(b"data=" + encoded, FORM)) == [json.loads(body)]


def test_a_charset_is_believed() -> None:
    headers = {"content-type": 'text/plain; charset="Windows-1251"'}
    assert values(read('{"event":"покупка"}'.encode("windows-1251"), headers)) == [{"event": "покупка"}]


@pytest.mark.parametrize(
    ("body", "content_type", "refusal"),
    [
        (b"<event/>", "application/xml", Refusal.UNSUPPORTED_MEDIA_TYPE),
        (
            b'--x\r\nContent-Disposition: form-data; name="data"\r\n',
            "multipart/form-data",
            Refusal.UNSUPPORTED_MEDIA_TYPE,
        ),
        (b"\x0a\x01a", "application/x-protobuf", Refusal.UNSUPPORTED_MEDIA_TYPE),
        (b"<event/>", "application/cloudevents+xml", Refusal.UNSUPPORTED_MEDIA_TYPE),
        (b"event=a&user_id=1", "application/x-www-form-urlencoded", Refusal.WRONG_SHAPE),
        (b"data=", "application/x-www-form-urlencoded", Refusal.MALFORMED_JSON),
        (b"data=3", "application/x-www-form-urlencoded", Refusal.WRONG_SHAPE),
        (b"data=" + base64.b64encode(gzip.compress(BODY, mtime=0)[:-9]), "text/plain", Refusal.BAD_ENCODING),
        (b"\xd8\xd8\xd8", "application/json; charset=utf-16", Refusal.MALFORMED_JSON),
        (b"\x1f\x8b\x00", "application/json", Refusal.MALFORMED_JSON),
    ],
)
def test_what_holds_no_json_is_refused_with_what_to_send(body: bytes, content_type: str, refusal: Refusal) -> None:
    assert refused(body, {"content-type": content_type}).refusal is refusal


def test_a_bomb_inside_a_form_is_refused() -> None:
    body = b"data=" + base64.b64encode(gzip.compress(b"[" + b" " * 3_000_000 + b"]"))
    assert refused(body, FORM, Limits(request_bytes=1_000_000)).refusal is Refusal.BODY_TOO_LARGE


# keys in the body and in the address


@pytest.mark.parametrize("name", ["key", "api_key", "apiKey", "write_key", "writeKey", "token"])
def test_a_public_key_in_the_body_is_taken_and_is_no_property(name: str) -> None:
    single = read(json.dumps({**EVENT, name: KEY}).encode())
    assert (values(single), single.key, single.single) == ([EVENT], KEY, True)
    many = read(json.dumps({name: KEY, "events": [EVENT, EVENT]}).encode())
    assert (values(many), many.key, many.single) == ([EVENT, EVENT], KEY, False)


@pytest.mark.parametrize("body", [{**EVENT, "key": SECRET}, {"events": [EVENT], "key": SECRET}])
def test_a_secret_key_in_the_body_counts_for_nothing_and_is_not_kept(body: dict[str, object]) -> None:
    events = read(json.dumps(body).encode())
    assert (values(events), events.key) == ([EVENT], "")


@pytest.mark.parametrize("value", ["abc", "phc_1", 5, None, {"slp_": 1}, ["slp_x"], "x slp_"])
def test_anything_else_named_key_stays_a_property(value: object) -> None:
    sent = {**EVENT, "key": value, "slug": "sls_"}
    events = read(json.dumps(sent).encode())
    assert (values(events), events.key) == ([sent], "")


def test_a_key_deeper_in_the_event_is_a_property() -> None:
    sent = {"event": "a", "properties": {"key": KEY}}
    assert (values(read(json.dumps(sent).encode())), read(json.dumps(sent).encode()).key) == ([sent], "")


def test_a_key_that_is_not_ours_beside_the_events_is_refused_by_name() -> None:
    assert "'api_key'" in refused(b'{"batch":[{"event":"a"}],"api_key":"phc_1"}').detail


def test_taking_the_key_out_does_not_hide_a_field_that_is_there_twice() -> None:
    body = b'{"event":"a","event":"b","key":"%s"}' % KEY.encode()
    assert refused(body).refusal is Refusal.DUPLICATE_KEY


def test_taking_the_key_out_changes_no_byte_of_the_values() -> None:
    body = b'{"event":"a", "key" : "%s", "properties": {"n": 1.10, "big": %s}}' % (KEY.encode(), b"9" * 5_000)
    events = read(body)
    assert bytes(events.raw[0]) == b'{"event":"a","properties":{"n": 1.10, "big": %s}}' % (b"9" * 5_000)


def test_an_event_with_a_key_and_invalid_unicode_is_refused_not_a_fault() -> None:
    body = b'{"event":"a", "key":"%s","properties":{"x":"\xff"}}' % KEY.encode()
    assert refused(body).refusal in {Refusal.BAD_TEXT, Refusal.MALFORMED_JSON}


def test_segments_batch_gives_each_event_its_time_of_sending() -> None:
    batch = [{"event": "a"}, {"event": "b", "sent_at": 2}, {}, 3]
    body = {"batch": batch, "sentAt": "2026-11-20T10:00:00Z", "writeKey": KEY}
    events = read(json.dumps(body).encode(), {"content-type": "text/plain"})
    assert values(events) == [{"event": "a", "sent_at": "2026-11-20T10:00:00Z"}, {"event": "b", "sent_at": 2}, {}, 3]
    assert events.key == KEY


def test_posthogs_batch_is_taken() -> None:
    body = {"api_key": KEY, "historical_migration": False, "sentAt": "2026-11-20T10:00:00Z", "batch": [EVENT]}
    assert values(read(json.dumps(body).encode())) == [{**EVENT, "sent_at": "2026-11-20T10:00:00Z"}]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        (b"", ""),
        (b"key=" + KEY.encode(), KEY),
        (b"ver=1&api_key=" + KEY.encode() + b"&_=1", KEY),
        (b"monkey=1", ""),
        (b"key=", ""),
        (b"key=slp%5Fabc", "slp_abc"),
    ],
)
def test_a_public_key_is_taken_from_the_address(query: bytes, key: str) -> None:
    assert key_from_address(query) == key


@pytest.mark.parametrize("query", [b"key=" + SECRET.encode(), b"key=%73ls_x", b"api_key=other"])
def test_no_other_key_is_taken_from_the_address_nor_said_back(query: bytes) -> None:
    with pytest.raises(Rejected) as caught:
        key_from_address(query)
    assert caught.value.refusal is Refusal.KEY_MISSING
    assert query.decode().rpartition("=")[2] not in caught.value.detail


# CloudEvents


def cloudevent(**more: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": "7", "source": "/shop", "type": "order.placed", **more}


def binary(data: bytes, content_type: str = "application/json", **more: str) -> Events:
    attributes = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "order.placed", **more}
    headers = {f"ce-{name}": value for name, value in attributes.items()}
    return read(data, headers | ({"content-type": content_type} if content_type else {}))


def structured(**more: object) -> Events:
    return read(json.dumps(cloudevent(**more)).encode(), STRUCTURED)


def only(events: Events) -> dict[str, object]:
    [value] = values(events)
    assert isinstance(value, dict)
    return value


def test_a_structured_cloudevent_becomes_an_event_with_an_identity() -> None:
    events = structured(
        time="2026-11-20T10:00:00Z", subject="order/5", dataschema="/s/1", count=3, urgent=True, data={"price": 1.5}
    )
    about = {"source": "/shop", "subject": "order/5", "dataschema": "/s/1", "count": 3, "urgent": True}
    assert only(events) == {
        "event": "order.placed",
        "timestamp": "2026-11-20T10:00:00Z",
        "properties": {"price": 1.5, "cloudevent": about},
    }
    assert (events.identities, events.single) == ([("/shop", "7")], True)


def test_the_three_modes_say_the_same() -> None:
    sent = cloudevent(time="2026-11-20T10:00:00Z", subject="é", data={"a": [1]})
    batch = read(json.dumps([sent]).encode(), BATCH)
    in_headers = binary(b'{"a":[1]}', time="2026-11-20T10:00:00Z", subject="%C3%A9", content_type="")
    assert values(batch) == values(structured(time="2026-11-20T10:00:00Z", subject="é", data={"a": [1]}))
    assert values(batch) == values(in_headers)
    assert batch.identities == in_headers.identities == [("/shop", "7")]
    assert (batch.single, in_headers.single) == (False, True)


def test_who_it_was_is_taken_from_the_data_in_any_spelling() -> None:
    event = only(structured(data={"userId": 5, "anonymousId": "a", "session_id": "s", "price": 1}))
    assert (event["user_id"], event["anonymous_id"], event["session_id"]) == (5, "a", "s")
    assert event["properties"] == {"price": 1, "cloudevent": {"source": "/shop"}}


def test_who_it_was_is_taken_from_the_extensions_where_the_data_does_not_say() -> None:
    assert only(structured(data=[1], userid="u"))["user_id"] == "u"
    event = only(structured(data={"user_id": "d"}, userid="u"))
    assert event["user_id"] == "d"
    assert event["properties"] == {"cloudevent": {"source": "/shop", "userid": "u"}}


def test_a_name_of_ours_with_another_meaning_stays_a_property() -> None:
    data = {
        "user_id": {"tenant": 1},
        "type": "gold",
        "name": "Bob",
        "id": 3,
        "time": 350,
        "timestamp": "x",
        "context": 1,
    }
    event = only(structured(data=data))
    assert event["properties"] == {**data, "cloudevent": {"source": "/shop"}}
    assert set(event) == {"event", "properties"}


def test_an_event_of_ours_in_an_envelope_stays_whole() -> None:
    data = {"user_id": "u", "timestamp": 1_700_000_000, "context": {"locale": "en"}, "properties": {"a": 1}, "more": 2}
    assert only(structured(data=data)) == {
        "event": "order.placed",
        "user_id": "u",
        "timestamp": 1_700_000_000,
        "context": {"locale": "en"},
        "properties": {"a": 1, "more": 2, "cloudevent": {"source": "/shop"}},
    }


@pytest.mark.parametrize(
    ("data", "properties"),
    [
        (None, {}),
        ([1, 2], {"data": [1, 2]}),
        ("text", {"data": "text"}),
        (False, {"data": False}),
        ({}, {}),
    ],
)
def test_data_that_is_no_object_is_kept_under_its_name(data: object, properties: dict[str, object]) -> None:
    assert only(structured(data=data))["properties"] == {**properties, "cloudevent": {"source": "/shop"}}


@pytest.mark.parametrize(
    ("data", "content_type", "properties"),
    [
        (b"<a/>", "application/xml", {"data": "<a/>"}),
        ("é".encode(), "text/plain", {"data": "é"}),
        (b"\xff\x00", "application/octet-stream", {"data_base64": "/wA="}),
        (b'{"a":1}', "text/plain", {"data": '{"a":1}'}),
        (b'{"a":1}', "application/vnd.x+json", {"a": 1}),
        (b"", "application/xml", {}),
        (b'{"event":"a"}\n{"event":"b"}', "application/x-ndjson", {"data": '{"event":"a"}\n{"event":"b"}'}),
    ],
)
def test_data_that_is_not_json_is_kept_as_text_or_base64(
    data: bytes, content_type: str, properties: dict[str, object]
) -> None:
    about = {"source": "/shop", "datacontenttype": content_type}
    assert only(binary(data, content_type))["properties"] == {**properties, "cloudevent": about}
    encoded = base64.b64encode(data).decode()
    assert only(structured(data_base64=encoded, datacontenttype=content_type))["properties"] == {
        **properties,
        "cloudevent": about,
    }


@pytest.mark.parametrize(
    "event",
    [
        {"id": "7", "source": "/shop", "type": "t"},
        cloudevent(id=""),
        cloudevent(id=None),
        cloudevent(id=7),
        cloudevent(source={}),
        cloudevent(specversion="0.3"),
        cloudevent(Subject="x"),
        cloudevent(ext={"a": 1}),
        cloudevent(data=1, data_base64="AA=="),
        cloudevent(data_base64="?"),
        cloudevent(data_base64=5),
        cloudevent(datacontenttype=5, data_base64="AA=="),
        [],
        3,
    ],
)
def test_what_is_no_cloudevent_is_refused(event: object) -> None:
    assert refused(json.dumps(event).encode(), STRUCTURED).refusal is Refusal.NOT_A_CLOUDEVENT


def test_in_a_batch_only_the_bad_ones_are_refused() -> None:
    batch = [cloudevent(id="1"), {"id": "2"}, cloudevent(id="3"), "x", cloudevent(data={"cloudevent": 1})]
    events = read(json.dumps(batch).encode(), BATCH)
    assert events.refused is not None
    assert {place: rejected.refusal for place, rejected in events.refused.items()} == {
        1: Refusal.NOT_A_CLOUDEVENT,
        3: Refusal.NOT_A_CLOUDEVENT,
        4: Refusal.DUPLICATE_KEY,
    }
    assert events.identities == [("/shop", "1"), ("", ""), ("/shop", "3"), ("", ""), ("", "")]
    assert json.loads(bytes(events.raw[1])) == {"id": "2"}


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"[]", Refusal.WRONG_SHAPE),
        (b"{}", Refusal.NOT_A_CLOUDEVENT),
        (b"[{]", Refusal.MALFORMED_JSON),
    ],
)
def test_a_batch_that_cannot_be_told_apart_is_refused(body: bytes, refusal: Refusal) -> None:
    assert refused(body, BATCH, Limits(events=10)).refusal is refusal


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b'{"a":1,"a":2}', Refusal.DUPLICATE_KEY),
        (b'{"a":', Refusal.MALFORMED_JSON),
        (b"[1,", Refusal.MALFORMED_JSON),
        (b'{"properties":{"a":1},"a":2}', Refusal.DUPLICATE_KEY),
        (b'{"cloudevent":1}', Refusal.DUPLICATE_KEY),
        (b'{"a":"' + b"x" * 70_000 + b'"}', Refusal.EVENT_TOO_LARGE),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, Refusal.TOO_DEEP),
    ],
)
def test_data_that_would_lose_something_is_refused(data: bytes, refusal: Refusal) -> None:
    with pytest.raises(Rejected) as caught:
        binary(data)
    assert caught.value.refusal is refusal


def test_a_binary_event_without_its_version_is_refused_not_read_as_plain_json() -> None:
    assert refused(BODY, {"ce-type": "t", "ce-id": "1", "ce-source": "/s"}).refusal is Refusal.NOT_A_CLOUDEVENT


def test_what_comes_out_of_a_cloudevent_is_a_valid_event() -> None:
    events = structured(time="2026-11-20T10:00:00Z", subject="x", data={"user_id": "u", "a": {"b": [1]}})
    made = validate(bytes(events.raw[0]), ARRIVED, bytes(10)).row
    assert (made.event, made.user_id) == ("order.placed", "u")
    assert made.timestamp.startswith("2026-11-20 10:00:00")
    assert json.loads(bytes(made.properties_raw)) == {
        "a": {"b": [1]},
        "cloudevent": {"source": "/shop", "subject": "x"},
    }


# anything at all

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
any_headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(
            [
                "application/json",
                "text/plain",
                *(kind["content-type"] for kind in (FORM, NDJSON, BATCH, STRUCTURED)),
                ";",
                "",
            ]
        )
        | st.text(max_size=20),
        "ce-specversion": st.sampled_from(["1.0", "2"]),
        "ce-type": st.text(max_size=5),
        "ce-id": st.just("1"),
        "ce-source": st.just("/s"),
    },
)
any_body = st.one_of(
    st.binary(max_size=60),
    any_json.map(lambda value: json.dumps(value).encode()),
    any_json.map(lambda value: json.dumps({"events": value, "key": KEY}).encode()),
    any_json.map(lambda value: json.dumps({"batch": value, "sentAt": 1}).encode()),
    any_json.map(lambda value: json.dumps([cloudevent(data=value)]).encode()),
    any_json.map(lambda value: json.dumps(cloudevent(data=value)).encode()),
    st.binary(max_size=40).map(lambda value: b"data=" + base64.b64encode(value)),
    st.text('{}[]",:\\u0d8\n\x00 ae\ufeff', max_size=40).map(str.encode),
)


@given(any_body, any_headers)
def test_any_request_is_read_or_refused_and_never_a_fault(body: bytes, headers: dict[str, str]) -> None:
    try:
        events = read(body, headers)
    except Rejected:
        return
    assert events.raw
    assert events.identities is None or len(events.identities) == len(events.raw)


@given(st.dictionaries(st.text(max_size=8).filter(lambda name: name != "events"), any_json, max_size=5))
def test_a_single_object_is_never_changed(sent: dict[str, object]) -> None:
    body = msgspec.json.encode(sent)
    if isinstance(sent.get("batch"), list):
        return
    assert [bytes(raw) for raw in read(body).raw] == [body]

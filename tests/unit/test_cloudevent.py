"""CloudEvents over HTTP: what we send is read by others, what others send is read by us, and nothing is changed."""

import base64
import json
from collections.abc import Mapping

import msgspec
import pytest
from cloudevents.conversion import to_binary, to_structured
from cloudevents.http import CloudEvent, from_http
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import Message
from shared.cloudevent import STRUCTURED, decode, encode_binary, encode_structured, looks_like_cloudevent
from shared.refusals import Refusal, Rejected

REQUIRED = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "dev.shop.order.placed.v1"}
BINARY = {f"ce-{name}": value for name, value in REQUIRED.items()}


def structured(members: Mapping[str, object] | bytes, content_type: str = STRUCTURED) -> Message:
    body = members if isinstance(members, bytes) else msgspec.json.encode(members)
    return decode({"content-type": content_type}, body)


def with_members(more: bytes) -> bytes:
    """The body of a structured event with some more members, exactly as written."""
    return msgspec.json.encode(REQUIRED)[:-1] + b"," + more + b"}"


def refused(headers: Mapping[str, str], body: bytes = b"") -> str:
    with pytest.raises(Rejected) as caught:
        decode(headers, body)
    assert caught.value.refusal is Refusal.NOT_A_CLOUDEVENT
    return caught.value.detail


# CloudEvents §3.1: a String holds no control characters, surrogates or noncharacters.
texts = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=40)
names = st.from_regex(r"[a-z][a-z0-9]{0,19}", fullmatch=True).filter(
    lambda name: name not in {*REQUIRED, "data", "time", "datacontenttype", "dataschema"}
)
attributes = st.builds(
    lambda required, more: {"specversion": "1.0", **more, **required},
    st.fixed_dictionaries({"id": texts, "source": texts, "type": texts}),
    st.dictionaries(names, texts, max_size=4),
)
json_data = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
).map(lambda value: json.dumps(value, ensure_ascii=False).encode())


@given(attributes, st.binary(max_size=200), st.sampled_from(["", "application/json", "text/plain; charset=utf-8"]))
def test_binary_mode_brings_back_every_attribute_and_byte(sent: dict[str, str], data: bytes, content_type: str) -> None:
    message = Message(sent | ({"datacontenttype": content_type} if content_type else {}), data)
    headers = encode_binary(message)
    assert all(0x21 <= ord(char) <= 0x7E for name in headers if name[:3] == "ce-" for char in headers[name])
    assert decode(headers, data) == message


@given(attributes, json_data)
def test_structured_mode_brings_back_json_byte_for_byte(sent: dict[str, str], data: bytes) -> None:
    message = Message({**sent, "datacontenttype": "application/json"}, data)
    assert structured(encode_structured(message)) == message


@given(attributes, st.binary(max_size=200), st.sampled_from(["application/octet-stream", "application/x-ndjson", None]))
def test_structured_mode_brings_back_other_data_byte_for_byte(
    sent: dict[str, str], data: bytes, content_type: str | None
) -> None:
    message = Message(sent | ({"datacontenttype": content_type} if content_type else {}), data)
    assert structured(encode_structured(message)) == message


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("50 %", "50%20%25"),
        ('say "hi"', "say%20%22hi%22"),
        ("Grüße €", "Gr%C3%BC%C3%9Fe%20%E2%82%AC"),
        ("😀", "%F0%9F%98%80"),
        ("a/b?c=d&e+f~g", "a/b?c=d&e+f~g"),
    ],
)
def test_header_values_are_percent_encoded_as_the_binding_says(value: str, header: str) -> None:
    headers = encode_binary(Message({**REQUIRED, "subject": value}, b""))
    assert headers["ce-subject"] == header
    assert decode(headers, b"").attributes["subject"] == value


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("%e2%82%ac", "€"),
        ("100%2525", "100%25"),
        ('"a \\"b\\" \\\\"', 'a "b" \\'),
        ('"50%25"', "50%"),
        ("100%", "100%"),
    ],
)
def test_other_senders_spellings_of_a_header_value_are_read(header: str, value: str) -> None:
    assert decode({**BINARY, "ce-subject": header}, b"").attributes["subject"] == value


def test_binary_data_of_any_kind_is_not_looked_into() -> None:
    for data in (b'{"price":1.10}', b"not json", b"\x00\xff", b""):
        assert decode({**BINARY, "content-type": "application/json"}, data).data == data


def test_a_structured_number_keeps_its_digits() -> None:
    body = with_members(b'"data":{"price":1.10,"big":123456789012345678901234567890,"price2":1e2}')
    assert structured(body).data == b'{"price":1.10,"big":123456789012345678901234567890,"price2":1e2}'


def test_structured_text_that_is_not_json_comes_as_its_text() -> None:
    message = structured({**REQUIRED, "datacontenttype": "application/x-ndjson", "data": '{"a":1}\n{"a":2}\n'})
    assert message.data == b'{"a":1}\n{"a":2}\n'


def test_a_structured_json_string_stays_json() -> None:
    assert structured({**REQUIRED, "data": "text"}).data == b'"text"'
    vendor = {**REQUIRED, "datacontenttype": "application/vnd.shop+json; charset=utf-8", "data": "text"}
    assert structured(vendor).data == b'"text"'


def test_data_base64_is_decoded() -> None:
    assert structured({**REQUIRED, "data_base64": base64.b64encode(b"\x00\xff").decode()}).data == b"\x00\xff"


@pytest.mark.parametrize("data", [b"null", None])
def test_no_data_is_no_bytes(data: bytes | None) -> None:
    assert structured(with_members(b'"data":' + data) if data else REQUIRED).data == b""


def test_what_claims_to_be_json_but_is_not_still_makes_a_valid_document() -> None:
    message = Message({**REQUIRED, "datacontenttype": "application/json"}, b'{"broken')
    assert "data_base64" in msgspec.json.decode(encode_structured(message))
    assert structured(encode_structured(message)) == message


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_or_empty_required_attribute_is_named(name: str) -> None:
    without = {key: value for key, value in REQUIRED.items() if key != name}
    headers = {f"ce-{key}": value for key, value in without.items()}
    assert name in refused(headers)
    assert name in refused({**headers, f"ce-{name}": ""})
    for body in (without, {**without, name: ""}, {**without, name: None}):
        assert name in refused({"content-type": STRUCTURED}, msgspec.json.encode(body))


@pytest.mark.parametrize("version", ["0.2", "0.3", "1.1", "2.0", "1.0.2", "one"])
def test_only_version_1_0_is_read(version: str) -> None:
    assert version in refused({**BINARY, "ce-specversion": version})
    assert version in refused({"content-type": STRUCTURED}, msgspec.json.encode({**REQUIRED, "specversion": version}))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/cloudevents-batch+json",
        "application/cloudevents+xml",
        "application/cloudevents",
        "Application/CloudEvents-Batch+JSON",
    ],
)
def test_batches_and_other_formats_are_refused_by_name(content_type: str) -> None:
    assert looks_like_cloudevent({"content-type": content_type})
    assert content_type in refused({"content-type": content_type}, b"[]")


@pytest.mark.parametrize("content_type", [f"{STRUCTURED}; charset=UTF-8", "Application/CloudEvents+JSON"])
def test_the_media_type_is_matched_in_any_case_and_with_parameters(content_type: str) -> None:
    message = structured({**REQUIRED, "data": {"a": 1}}, content_type)
    assert looks_like_cloudevent({"content-type": content_type})
    assert (message.attributes, message.data) == (REQUIRED, b'{"a":1}')


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"3",
        b"{",
        b"\xff",
        with_members(b'"data":1,"data_base64":"AA=="'),
        with_members(b'"data_base64":5'),
        with_members(b'"data_base64":"?"'),
        with_members('"data_base64":"é"'.encode()),
        with_members(b'"subject":{"a":1}'),
        with_members(b'"subject":["a"]'),
        with_members(b'"subject":"\\ud800"'),
        with_members(b'"subject":"\xff"'),
        with_members(b'"not_a_name":"x"'),
        with_members(b'"datacontenttype":"text/plain","data":"\xff"'),
        with_members(b'"data":' + b"[" * 100_000 + b"]" * 100_000),
        with_members(b'"subject":' + b"[" * 100_000 + b"]" * 100_000),
        with_members(b'"subject":' + b"[" * 900 + b"]" * 900),
    ],
)
def test_a_broken_structured_event_is_refused(body: bytes) -> None:
    assert refused({"content-type": STRUCTURED}, body)


@pytest.mark.parametrize("name", ["ce-foo-bar", "ce-foo_bar", "ce-"])
def test_an_attribute_name_outside_the_specification_is_refused(name: str) -> None:
    assert refused({**BINARY, name: "x"})


def test_an_attribute_that_was_not_sent_is_not_invented() -> None:
    assert decode(BINARY, b"").attributes == REQUIRED
    assert structured(REQUIRED).attributes == REQUIRED


def test_booleans_and_numbers_become_their_canonical_text() -> None:
    sent = structured({**REQUIRED, "urgent": True, "attempt": 3, "subject": None}).attributes
    assert sent == {**REQUIRED, "urgent": "true", "attempt": "3"}


@pytest.mark.parametrize(
    ("headers", "claims"),
    [
        (BINARY, True),
        ({"ce-specversion": "0.3"}, True),
        ({"content-type": STRUCTURED}, True),
        ({"content-type": "application/json"}, False),
        ({}, False),
    ],
)
def test_a_request_claims_to_be_a_cloudevent_or_not(headers: dict[str, str], *, claims: bool) -> None:
    assert looks_like_cloudevent(headers) is claims


def test_the_reference_package_reads_what_we_send() -> None:
    sent = Message({**REQUIRED, "datacontenttype": "application/json", "time": "2026-01-31T12:00:00Z"}, b'{"a":1}')
    for read in (
        from_http(encode_binary(sent), sent.data),
        from_http({"content-type": STRUCTURED}, encode_structured(sent)),
    ):
        assert {name: value for name, value in read.get_attributes().items() if value is not None} == sent.attributes
        assert read.data == {"a": 1}


def test_we_read_what_the_reference_package_sends() -> None:
    event = CloudEvent({**REQUIRED, "datacontenttype": "application/json", "subject": "s1"}, {"a": 1})
    for headers, body in (to_binary(event), to_structured(event)):
        read = decode({name.lower(): value for name, value in headers.items()}, body)
        assert read.attributes == {name: str(value) for name, value in event.get_attributes().items()}
        assert msgspec.json.decode(read.data) == {"a": 1}

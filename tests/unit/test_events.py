"""The record and the receipt: what is written is read back, and nothing else passes for them."""

import base64
import itertools
import json
import uuid
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.cloudevent import decode, encode_binary
from shared.events import ACCEPTED, MAX_RECORD_BYTES, Receipt, Row, encode_line, part_id, read_receipt, record

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
BATCH = uuid.UUID("018f0000-0000-7000-8000-0000000b0000")
NOW = 1_795_224_000_123_456  # 2026-11-21T01:20:00.123456Z

uuids = st.uuids().map(lambda value: uuid.UUID(int=value.int >> 16 << 16))
receipts = st.builds(Receipt, uuids, uuids, st.integers(1, 200) | st.just(65_535), st.integers(1, 2**32 - 1))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)


BARE = Row(
    event="x",
    event_id=str(BATCH),
    timestamp="2026-11-20 10:00:00.000000",
    received_at="2026-11-21 01:20:00.000000",
)


def row(user_id: str, properties: bytes) -> Row:
    return msgspec.structs.replace(BARE, user_id=user_id, properties_raw=msgspec.Raw(properties))


@given(receipts)
def test_a_receipt_is_read_back_from_its_token(receipt: Receipt) -> None:
    token = receipt.token()
    assert read_receipt(token) == receipt
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=80) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_no_receipt_or_a_harmless_one(token: str) -> None:
    found = read_receipt(token)
    assert found is None or len(found.batches()) == found.parts


@pytest.mark.parametrize(
    "change",
    [lambda t: t[:-1], lambda t: t + "A", lambda t: t + "=", lambda t: "é" + t[1:], str.upper, lambda t: t + "\n"],
)
def test_a_damaged_token_is_never_the_same_receipt(change: Callable[[str], str]) -> None:
    receipt = Receipt(PROJECT, BATCH, 3, 250)
    assert read_receipt(change(receipt.token())) != receipt


def test_a_token_whose_parts_run_out_of_ids_is_malformed() -> None:
    assert read_receipt(Receipt(PROJECT, uuid.UUID(int=2**128 - 2), 3, 1).token()) is None


@given(receipts.filter(lambda receipt: receipt.parts < 300))
def test_the_parts_of_a_receipt_are_consecutive(receipt: Receipt) -> None:
    batches = receipt.batches()
    assert len(batches) == receipt.parts
    assert batches[0] == receipt.batch_id
    assert all(after.int - before.int == 1 for before, after in itertools.pairwise(batches))
    assert batches[-1] == part_id(receipt.batch_id, receipt.parts - 1)


@given(st.lists(st.tuples(texts, st.dictionaries(texts, texts, max_size=3)), min_size=1, max_size=5))
def test_every_line_of_a_record_is_its_row_with_project_and_batch(events: list[tuple[str, dict[str, str]]]) -> None:
    rows = [row(user, json.dumps(sent).encode()) for user, sent in events]
    made = record(project_id=str(PROJECT), batch_id=BATCH, lines=[encode_line(each) for each in rows], micros=NOW)
    lines = made.data.splitlines()
    assert made.data.endswith(b"\n")
    assert [json.loads(line) for line in lines] == [
        {**json.loads(msgspec.json.encode(each)), "project_id": str(PROJECT), "batch_id": str(BATCH)} for each in rows
    ]


def test_a_line_leaves_out_what_is_empty() -> None:
    assert set(json.loads(encode_line(BARE) + b"}")) == {"event", "event_id", "timestamp", "received_at"}


def test_properties_stand_in_a_line_byte_for_byte() -> None:
    raw = b'{"price":1.10, "n" : 1e2}'
    assert b'"properties_raw":{"price":1.10, "n" : 1e2}' in encode_line(row("u", raw))


def test_a_record_is_a_cloudevent_that_survives_the_wire() -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    lines = [encode_line(BARE), encode_line(BARE)]
    made = record(project_id=str(PROJECT), batch_id=BATCH, lines=lines, micros=NOW, traceparent=parent)
    assert made.attributes == {
        "specversion": "1.0",
        "id": str(BATCH),
        "source": "/sluice/ingest",
        "type": ACCEPTED,
        "time": "2026-11-21T01:20:00.123456Z",
        "datacontenttype": "application/x-ndjson",
        "project": str(PROJECT),
        "eventcount": "2",
        "traceparent": parent,
    }
    assert decode(encode_binary(made), made.data) == made


def test_a_record_without_a_trace_has_no_empty_attribute() -> None:
    made = record(project_id=str(PROJECT), batch_id=BATCH, lines=[encode_line(BARE)], micros=NOW)
    assert "traceparent" not in made.attributes


def test_a_record_stays_below_what_a_broker_takes() -> None:
    assert MAX_RECORD_BYTES <= 900 * 1024

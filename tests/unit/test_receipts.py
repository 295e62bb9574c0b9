"""Receipts: what a token carries, and which lines of shared records are a request's own."""

import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.receipts.logic import own_lines
from shared.events import Receipt, read_receipt

PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
SMALL = st.integers(0, 2**16 - 1)
LARGE = st.integers(0, 2**32 - 1)
IDS = st.integers(0, 2**127).map(lambda number: uuid.UUID(int=number))


@given(st.builds(Receipt, IDS, IDS, SMALL, LARGE, LARGE))
def test_a_token_carries_what_was_accepted(receipt: Receipt) -> None:
    assert read_receipt(receipt.token()) == receipt


@given(st.builds(Receipt, IDS, IDS, SMALL, LARGE, LARGE, IDS, SMALL, LARGE))
def test_a_token_carries_what_was_refused_beside_it(receipt: Receipt) -> None:
    assert read_receipt(receipt.token()) == receipt


def test_the_records_of_a_receipt_follow_one_another() -> None:
    receipt = Receipt(PROJECT, uuid.UUID(int=7), 2, 1, 0, uuid.UUID(int=70), 3, 9)
    assert [one.int for one in receipt.batches()] == [7, 8]
    assert [one.int for one in receipt.refused_batches()] == [70, 71, 72]
    assert Receipt(PROJECT, uuid.UUID(int=7), 1, 1).refused_batches() == []


@pytest.mark.parametrize("size", [0, 1, 37, 38, 41, 43, 63, 65, 1_000])
def test_bytes_of_another_length_are_no_receipt(size: int) -> None:
    assert read_receipt(base64.urlsafe_b64encode(bytes(size)).decode().rstrip("=")) is None


def test_a_receipt_whose_ids_would_run_out_is_none() -> None:
    last = uuid.UUID(int=2**128 - 1)
    assert read_receipt(Receipt(PROJECT, last, 2, 1).token()) is None
    assert read_receipt(Receipt(PROJECT, PROJECT, 1, 1, 0, last, 2, 1).token()) is None
    assert read_receipt(Receipt(PROJECT, last, 1, 1).token()) is not None


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    found = read_receipt(text)
    assert found is None or found.token() == text


# --- its own lines


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_the_own_lines_are_where_ingest_put_them(sizes: list[int], data: st.DataObject) -> None:
    """A request fills each record to its end and goes on in the next."""
    first = data.draw(st.integers(0, sizes[0] - 1))
    rest = data.draw(st.integers(1, sizes[-1] - (first if len(sizes) == 1 else 0)))
    rows = rest + sum(sizes[:-1]) - (first if len(sizes) > 1 else 0)
    receipt = Receipt(PROJECT, PROJECT, len(sizes), rows, first=first)
    own = own_lines(receipt, sizes)
    assert sum(map(len, own)) == rows
    everything = [(part, line) for part, lines in enumerate(own) for line in lines]
    start = [(part, line) for part, size in enumerate(sizes) for line in range(size)].index((0, first))
    flat = [(part, line) for part, size in enumerate(sizes) for line in range(size)]
    assert everything == flat[start : start + rows]


@given(st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=6), SMALL, LARGE)
def test_no_more_lines_are_claimed_than_are_stored(sizes: list[int | None], first: int, rows: int) -> None:
    receipt = Receipt(PROJECT, PROJECT, len(sizes), rows, first=first)
    for lines, size in zip(own_lines(receipt, sizes), sizes, strict=True):
        assert len(lines) <= (size or 0)

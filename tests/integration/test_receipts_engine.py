"""Receipts on the real engine: queued until everything of a request is stored, and then what became of it."""

import uuid
from collections.abc import Iterator

import pytest

from functions.receipts.logic import ReceiptAnswer, Times, look_up
from shared.clock import to_micros
from shared.events import Receipt, RefusedEvent, encode_line, part_id, record, rejected_records
from shared.ids import uuid7
from shared.refusals import Refusal, Rejected
from tests.integration.reading import NOW, Stored, batch, row, stored

NOW_TEXT = "2026-03-31T12:00:00.000000+00:00"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stored]:
    with stored(tmp_path_factory.mktemp("receipts")) as found:
        yield found


def ask(engine: Stored, receipt: Receipt) -> ReceiptAnswer:
    return engine.run(look_up(receipt.token(), receipt.project_id, engine.warehouse))


def first_id() -> uuid.UUID:
    """The id of a record as ingest makes it: room for the parts after it."""
    return uuid.UUID(int=uuid7(to_micros(NOW) // 1_000).int >> 16 << 16)


def test_a_receipt_is_queued_until_its_record_is_stored(engine: Stored) -> None:
    receipt = Receipt(uuid.uuid4(), first_id(), 1, 2)
    assert ask(engine, receipt) == ReceiptAnswer("queued", 2, 0, 0, Times(NOW_TEXT, None))
    engine.clock.advance(2)
    engine.put(batch(receipt.project_id, row("a"), row("b"), row("others"), batch_id=receipt.batch_id))
    expected = ReceiptAnswer("stored", 2, 2, 0, Times(NOW_TEXT, "2026-03-31T12:00:02.000000+00:00"))
    assert ask(engine, receipt) == expected


def test_a_record_delivered_again_changes_no_number(engine: Stored) -> None:
    receipt = Receipt(uuid.uuid4(), first_id(), 1, 2)
    made = batch(receipt.project_id, row("a"), row("b"), batch_id=receipt.batch_id)
    engine.put(made)
    engine.put(made)
    assert (ask(engine, receipt).state, ask(engine, receipt).stored) == ("stored", 2)


def test_a_request_of_several_records_is_stored_once_all_of_them_are(engine: Stored) -> None:
    """Lines 2 and 3 of the first record, all of the second, the first of the third are this request's."""
    project, first = uuid.uuid4(), first_id()
    receipt = Receipt(project, first, 3, 6, first=2)
    records = [
        batch(project, *map(row, names), batch_id=part_id(first, part))
        for part, names in enumerate(["abCD", "EFG", "Hi"])
    ]
    engine.put(records[2])
    assert (ask(engine, receipt).state, ask(engine, receipt).stored) == ("queued", 0)
    engine.put(records[0])
    assert (ask(engine, receipt).state, ask(engine, receipt).stored) == ("queued", 2)
    engine.put(records[1])
    assert (ask(engine, receipt).state, ask(engine, receipt).stored) == ("stored", 6)


def test_only_its_own_rows_count_as_rejected_by_the_warehouse(engine: Stored) -> None:
    project, first = uuid.uuid4(), first_id()
    good, bad = encode_line(row("good")), encode_line(row("bad", event_id="not a uuid"))
    lines = [good, bad, good, bad, bad, good]
    engine.put(record(project_id=str(project), batch_id=first, lines=lines, micros=to_micros(NOW)))
    found = ask(engine, Receipt(project, first, 1, 3, first=2))
    assert (found.state, found.accepted, found.stored, found.rejected) == ("stored", 3, 1, 2)
    found = ask(engine, Receipt(project, first, 1, 2, first=0))
    assert (found.state, found.accepted, found.stored, found.rejected) == ("stored", 2, 1, 1)
    found = ask(engine, Receipt(project, first, 1, 1, first=5))
    assert (found.state, found.accepted, found.stored, found.rejected) == ("stored", 1, 1, 0)


def test_what_was_refused_at_once_is_waited_for_too(engine: Stored) -> None:
    project, first, refused_id = uuid.uuid4(), first_id(), first_id()
    events = [RefusedEvent(place, "bad_id", "", b"x" * 300_000) for place in range(7)]
    refused = rejected_records(project_id=str(project), batch_id=refused_id, events=events, micros=to_micros(NOW))
    assert len(refused) > 1
    receipt = Receipt(project, first, 1, 1, 0, refused_id, len(refused), 7)
    engine.put(batch(project, row("a"), batch_id=first))
    assert (ask(engine, receipt).state, ask(engine, receipt).rejected) == ("queued", 7)
    engine.put(*refused[1:])
    assert (ask(engine, receipt).state, ask(engine, receipt).stored) == ("queued", 1)
    engine.put(refused[0])
    assert (ask(engine, receipt).state, ask(engine, receipt).stored) == ("stored", 1)


def test_a_request_of_which_nothing_was_accepted_has_a_receipt_too(engine: Stored) -> None:
    project, refused_id = uuid.uuid4(), first_id()
    [refused] = rejected_records(
        project_id=str(project),
        batch_id=refused_id,
        events=[RefusedEvent(0, "bad_id", "", b"{}")],
        micros=to_micros(NOW),
    )
    receipt = Receipt(project, refused_id, 0, 0, 0, refused_id, 1, 1)
    assert ask(engine, receipt) == ReceiptAnswer("queued", 0, 0, 1, Times(NOW_TEXT, None))
    engine.put(refused)
    found = ask(engine, receipt)
    assert (found.state, found.accepted, found.stored, found.rejected) == ("stored", 0, 0, 1)


def test_the_receipt_of_another_project_is_not_found(engine: Stored) -> None:
    receipt = Receipt(uuid.uuid4(), first_id(), 1, 1)
    engine.put(batch(receipt.project_id, row("a"), batch_id=receipt.batch_id))
    with pytest.raises(Rejected) as caught:
        engine.run(look_up(receipt.token(), uuid.uuid4(), engine.warehouse))
    assert caught.value.refusal is Refusal.NOT_FOUND


@pytest.mark.parametrize(
    "forged",
    [
        Receipt(uuid.UUID(int=1), uuid.UUID(int=0), 65_535, 2**32 - 1, 2**32 - 1),
        Receipt(uuid.UUID(int=1), uuid.UUID(int=(1 << 128) - 65_536), 65_535, 2**32 - 1),
        Receipt(uuid.UUID(int=1), uuid.UUID(int=0xFFFFFFFFFFFF << 80 | 7 << 76 | 2 << 62), 1, 1),
        Receipt(uuid.UUID(int=1), uuid.UUID(int=0), 0, 0),
    ],
)
def test_a_made_up_receipt_of_the_own_project_finds_nothing_and_breaks_nothing(forged: Receipt, engine: Stored) -> None:
    engine.put(batch(forged.project_id, row("a"), batch_id=first_id()))
    found = ask(engine, forged)
    assert (found.stored, found.state) == (0, "queued" if forged.parts else "stored")

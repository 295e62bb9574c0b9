"""batch_write: records are stored once and in the right order, and bad content never blocks good."""

import asyncio
import json
import uuid
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.batch_write.logic import BatchWriter, store
from functions.batch_write.records import Position, Record, read_record
from shared import metrics
from shared.bus import Message
from shared.clock import FixedClock
from shared.events import RefusedEvent, Row, encode_line, record, rejected_records
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.warehouse.client import WarehouseError, WarehouseUnavailableError

NOW = 1_795_224_000_123_456  # 2026-11-21T01:20:00.123456Z
NOW_TEXT = "2026-11-21 01:20:00.123456"
PROJECT = uuid.UUID("018f0000-0000-7000-8000-00000000000a")
OTHER = uuid.UUID("018f0000-0000-7000-8000-00000000000b")
CANNOT_PARSE = 117
SYNTAX_ERROR = 62


class Store:
    """Takes inserts as the warehouse would: a block with one bad row is refused whole."""

    def __init__(self, bad: Callable[[dict[str, Any]], bool] = lambda _: False) -> None:
        self._bad = bad
        self.inserts: list[tuple[str, list[dict[str, Any]]]] = []
        self.away: set[str] = set()
        self.refuses: dict[str, Exception] = {}
        self.answers = asyncio.Event()
        self.answers.set()

    async def insert_json_lines(self, table: str, lines: bytes) -> None:
        await self.answers.wait()
        if table in self.away:
            raise WarehouseUnavailableError("the warehouse is away")
        if table in self.refuses:
            raise self.refuses[table]
        rows = [json.loads(line) for line in lines.splitlines()]
        if table == "events" and any(map(self._bad, rows)):
            raise WarehouseError(CANNOT_PARSE, "a row cannot be parsed")
        if table == "batches" and any(row["rows"] < 0 for row in rows):
            raise WarehouseError(CANNOT_PARSE, "a UInt32 cannot be negative")
        self.inserts.append((table, rows))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [row for name, rows in self.inserts if name == table for row in rows]

    @property
    def order(self) -> list[str]:
        return [table for table, _ in self.inserts]


def row(name: object, hour: str = "2026-11-20 10") -> bytes:
    made = Row(event=str(name), event_id=str(PROJECT), timestamp=f"{hour}:59:59.999999", received_at=NOW_TEXT)
    return encode_line(made)


def message(number: int, *lines: bytes, project: uuid.UUID = PROJECT) -> Message:
    made = record(project_id=str(project), batch_id=uuid.UUID(int=number), lines=lines, micros=NOW)
    made.attributes.update(knativekafkapartition="3", knativekafkaoffset=str(number))
    return made


def batch(number: int, *lines: bytes, project: uuid.UUID = PROJECT) -> Record:
    return read_record(message(number, *lines, project=project))


def raw(number: int, *lines: bytes) -> Record:
    """A record whose lines are what a bug or an attacker wrote."""
    return batch(number, row("x"))._replace(lines=list(lines))


def writer(warehouse: Store, linger: float = 0.02, max_rows: int = 50_000) -> BatchWriter:
    return BatchWriter(warehouse, FixedClock(NOW), linger=linger, max_rows=max_rows)


async def turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# --- the envelope


def test_a_record_is_read_from_its_envelope_without_looking_into_the_lines() -> None:
    assert batch(7, b'{"a":1', b'{"b":2') == Record(
        project_id=str(PROJECT),
        batch_id=str(uuid.UUID(int=7)),
        received_at=NOW_TEXT,
        position=Position(3, 7),
        lines=[
            f'{{"{name}":{value},"project_id":"{PROJECT}","batch_id":"{uuid.UUID(int=7)}"}}'.encode()
            for name, value in (("a", 1), ("b", 2))
        ],
        eventcount=2,
    )


def test_a_record_from_a_bus_without_positions_has_none() -> None:
    made = record(project_id=str(PROJECT), batch_id=uuid.UUID(int=7), lines=[row(1)], micros=NOW)
    assert read_record(made).position == Position(-1, -1)


@pytest.mark.parametrize(
    ("time", "received_at"),
    [
        ("2026-11-21T01:20:00.123456Z", NOW_TEXT),
        ("2026-11-21T01:20:00Z", "2026-11-21 01:20:00.000000"),
        ("2026-11-21T03:20:00.5+02:00", "2026-11-21 01:20:00.500000"),
    ],
)
def test_any_valid_time_is_understood(time: str, received_at: str) -> None:
    made = message(7, row(1))
    made.attributes["time"] = time
    assert read_record(made).received_at == received_at


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project", None),
        ("project", "mine"),
        ("id", None),
        ("id", "7"),
        ("time", None),
        ("time", "yesterday"),
        ("time", "2026-11-21T01:20:00"),
        ("time", "0001-01-01T00:00:00+14:00"),
        ("time", "1900-01-01T00:00:00Z"),
        ("time", "9999-12-31T23:59:59Z"),
        ("knativekafkapartition", "first"),
        ("knativekafkapartition", str(2**31)),
        ("knativekafkaoffset", "1.5"),
        ("knativekafkaoffset", str(2**63)),
        ("knativekafkaoffset", "-2"),
    ],
)
def test_an_envelope_that_can_never_be_stored_is_refused_for_good(name: str, value: str | None) -> None:
    made = message(7, row(1))
    made.attributes.pop(name)
    if value is not None:
        made.attributes[name] = value
    with pytest.raises(Rejected) as caught:
        read_record(made)
    assert caught.value.refusal is Refusal.NOT_A_CLOUDEVENT


# --- coalescing


async def test_records_that_come_together_are_one_insert() -> None:
    warehouse = Store()
    writing = writer(warehouse)
    await asyncio.gather(*(writing.write(batch(n, row(n), row(-n))) for n in range(1, 6)))
    assert [len(rows) for table, rows in warehouse.inserts if table == "events"] == [10]
    assert [r["position"] for r in warehouse.rows("batches")] == [1, 2, 3, 4, 5]


async def test_nobody_is_answered_before_everything_is_stored() -> None:
    warehouse = Store()
    warehouse.answers.clear()
    writing = writer(warehouse, linger=0)
    waiting = asyncio.create_task(writing.write(batch(1, row(1))))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    warehouse.answers.set()
    await waiting
    assert warehouse.order == ["events", "hour_changes", "batches"]


async def test_a_full_flush_does_not_wait_for_the_linger() -> None:
    warehouse = Store()
    writing = writer(warehouse, linger=60, max_rows=4)
    async with asyncio.timeout(1):
        await asyncio.gather(*(writing.write(batch(n, row(n), row(-n))) for n in range(1, 5)))
    assert [len(rows) for table, rows in warehouse.inserts if table == "events"] == [4, 4]


async def test_a_flush_takes_whole_records_up_to_the_bound_and_at_least_one() -> None:
    warehouse = Store()
    writing = writer(warehouse, max_rows=5)
    sizes = [2, 2, 2, 9, 1, 4]
    await asyncio.gather(*(writing.write(batch(n, *[row(n)] * size)) for n, size in enumerate(sizes)))
    flushes = [Counter(r["event"] for r in rows) for table, rows in warehouse.inserts if table == "events"]
    assert flushes == [{"0": 2, "1": 2}, {"2": 2}, {"3": 9}, {"4": 1, "5": 4}]


async def test_records_that_come_during_a_flush_share_the_next_one() -> None:
    warehouse = Store()
    warehouse.answers.clear()
    writing = writer(warehouse, linger=0)
    first = asyncio.create_task(writing.write(batch(1, row(1))))
    await asyncio.sleep(0.02)
    later = [asyncio.create_task(writing.write(batch(n, row(n)))) for n in range(2, 5)]
    await turn()
    warehouse.answers.set()
    await asyncio.gather(first, *later)
    assert [len(rows) for table, rows in warehouse.inserts if table == "events"] == [1, 3]


# --- order, ledger, batches


async def test_the_ledger_gets_one_entry_for_each_project_and_hour_after_the_events() -> None:
    warehouse = Store()
    records = [
        batch(1, row(1), row(2), row(3, "2026-11-20 11")),
        batch(2, row(4, "2020-01-01 00")),
        batch(3, row(5), project=OTHER),
    ]
    await store(records, warehouse, FixedClock(NOW))
    assert warehouse.order == ["events", "hour_changes", "batches"]
    assert warehouse.rows("hour_changes") == [
        {"project_id": str(PROJECT), "hour": "2020-01-01 00:00:00", "changes": 1},
        {"project_id": str(PROJECT), "hour": "2026-11-20 10:00:00", "changes": 1},
        {"project_id": str(PROJECT), "hour": "2026-11-20 11:00:00", "changes": 1},
        {"project_id": str(OTHER), "hour": "2026-11-20 10:00:00", "changes": 1},
    ]


async def test_a_batch_says_where_it_stood_and_when_it_was_stored() -> None:
    warehouse = Store()
    await store([batch(7, row(1), row(2))], warehouse, FixedClock(NOW + 1_500_000))
    assert warehouse.rows("batches") == [
        {
            "project_id": str(PROJECT),
            "batch_id": str(uuid.UUID(int=7)),
            "partition": 3,
            "position": 7,
            "rows": 2,
            "rejected": 0,
            "eventcount": 2,
            "resent": 0,
            "received_at": NOW_TEXT,
            "stored_at": "2026-11-21 01:20:01.623456",
        }
    ]


async def test_a_record_that_was_published_twice_has_a_row_for_each_of_its_places() -> None:
    warehouse = Store()
    writing = writer(warehouse)
    here = batch(1, row("a"))
    again = here._replace(position=Position(0, 99))
    await asyncio.gather(writing.write(here), writing.write(again), writing.write(again))
    await writing.close()
    places = [(r["partition"], r["position"]) for r in warehouse.rows("batches")]
    assert sorted(places) == sorted([tuple(here.position), (0, 99)])


async def test_a_record_without_lines_is_stored_as_empty() -> None:
    warehouse = Store()
    await store([raw(1)], warehouse, FixedClock(NOW))
    assert warehouse.order == ["batches"]
    assert (warehouse.rows("batches")[0]["rows"], warehouse.rows("batches")[0]["rejected"]) == (0, 0)


async def test_stored_events_are_counted() -> None:
    before = metrics.PROCESSED_TOTAL._value.get()
    await store([batch(1, row(1), row(2))], Store(), FixedClock(NOW))
    assert metrics.PROCESSED_TOTAL._value.get() == before + 2


# --- outages


@pytest.mark.parametrize("table", ["events", "hour_changes", "batches"])
async def test_an_outage_at_any_step_asks_for_redelivery_and_a_repeat_is_harmless(table: str) -> None:
    warehouse = Store()
    warehouse.away = {table}
    writing = writer(warehouse)
    retries = metrics.RETRIES_TOTAL._value.get()
    answers = await asyncio.gather(*(writing.write(batch(n, row(n))) for n in (1, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [WarehouseUnavailableError] * 2
    assert metrics.RETRIES_TOTAL._value.get() == retries + 2
    assert "batches" not in warehouse.order
    warehouse.away = set()
    await asyncio.gather(*(writing.write(batch(n, row(n))) for n in (1, 2)))
    assert {r["event"] for r in warehouse.rows("events")} == {"1", "2"}
    assert [r["rows"] for r in warehouse.rows("batches")] == [1, 1]


@pytest.mark.parametrize("table", ["hour_changes", "batches", "rejected_events"])
async def test_a_refusal_of_our_own_rows_is_never_the_clients_fault(table: str) -> None:
    warehouse = Store(bad=lambda r: r["event"] == "bad")
    warehouse.refuses[table] = WarehouseError(CANNOT_PARSE, "no such column")
    with pytest.raises(UnavailableError, match=table):
        await store([batch(1, row("bad"), row("good"))], warehouse, FixedClock(NOW))


async def test_a_refusal_that_is_not_about_content_rejects_no_event() -> None:
    warehouse = Store()
    warehouse.refuses["events"] = WarehouseError(SYNTAX_ERROR, "syntax error")
    with pytest.raises(UnavailableError, match="syntax error"):
        await store([batch(1, row(1))], warehouse, FixedClock(NOW))
    assert warehouse.inserts == []


async def test_an_outage_amid_the_bisection_rejects_nothing() -> None:
    class Flaky(Store):
        async def insert_json_lines(self, table: str, lines: bytes) -> None:
            if lines.count(b"\n") == 2:
                raise WarehouseUnavailableError("away")
            await super().insert_json_lines(table, lines)

    warehouse = Flaky(bad=lambda r: r["event"] == "bad")
    with pytest.raises(UnavailableError):
        await store([batch(1, row("bad"), row(2), row(3), row(4))], warehouse, FixedClock(NOW))
    assert warehouse.inserts == []


async def test_a_bug_is_handed_to_everybody_and_does_not_end_the_service() -> None:
    warehouse = Store()
    warehouse.refuses["events"] = ZeroDivisionError()
    writing = writer(warehouse)
    answers = await asyncio.gather(*(writing.write(batch(n, row(n))) for n in (1, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
    warehouse.refuses.clear()
    await writing.write(batch(3, row(3)))


# --- bad content


@settings(deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=9), min_size=1, max_size=4))
def test_exactly_the_bad_rows_are_rejected_and_all_others_stored(wanted: list[list[bool]]) -> None:
    warehouse = Store(bad=lambda r: r["event"].startswith("bad"))
    names = [
        [f"{'good' if good else 'bad'} {number}.{place}" for place, good in enumerate(record)]
        for number, record in enumerate(wanted)
    ]
    records = [batch(number, *map(row, lines)) for number, lines in enumerate(names)]
    asyncio.run(store(records, warehouse, FixedClock(NOW)))
    rejected = {(r["batch_id"], r["position"]) for r in warehouse.rows("rejected_events")}
    assert rejected == {
        (str(uuid.UUID(int=number)), place)
        for number, record in enumerate(wanted)
        for place, good in enumerate(record)
        if not good
    }
    every = [name for lines in names for name in lines]
    assert sorted(r["event"] for r in warehouse.rows("events")) == sorted(n for n in every if n.startswith("good"))
    assert [(r["rows"], r["rejected"]) for r in warehouse.rows("batches")] == [
        (sum(record), len(record) - sum(record)) for record in wanted
    ]


async def test_a_rejected_row_keeps_the_warehouses_reason_and_its_own_bytes() -> None:
    warehouse = Store(bad=lambda r: r["event"] == "bad")
    rejected = metrics.BATCH_REJECTED._value.get()
    await store([batch(1, row("good"), row("bad"))], warehouse, FixedClock(NOW))
    [kept] = warehouse.rows("rejected_events")
    assert kept.pop("raw").encode() == batch(1, row("bad")).lines[0]
    assert kept == {
        "project_id": str(PROJECT),
        "batch_id": str(uuid.UUID(int=1)),
        "position": 1,
        "received_at": NOW_TEXT,
        "reason": "store_refused",
        "detail": "a row cannot be parsed",
        "raw_encoding": "utf-8",
        "source": "store",
        "event": "bad",
    }
    assert warehouse.order == ["events", "rejected_events", "hour_changes", "batches"]
    assert metrics.BATCH_REJECTED._value.get() == rejected + 1


async def test_an_hour_with_only_rejected_rows_is_not_touched() -> None:
    warehouse = Store(bad=lambda r: r["event"] == "bad")
    await store([batch(1, row("good"), row("bad", "2026-11-20 11"))], warehouse, FixedClock(NOW))
    assert [r["hour"] for r in warehouse.rows("hour_changes")] == ["2026-11-20 10:00:00"]
    warehouse.inserts.clear()
    await store([batch(2, row("bad"))], warehouse, FixedClock(NOW))
    assert warehouse.order == ["rejected_events", "batches"]


async def test_a_row_of_another_project_than_its_record_is_refused() -> None:
    warehouse = Store()
    foreign = batch(1, row("foreign"), project=OTHER).lines[0]
    await store([raw(1, batch(1, row("own")).lines[0], foreign)], warehouse, FixedClock(NOW))
    assert [r["event"] for r in warehouse.rows("events")] == ["own"]
    [kept] = warehouse.rows("rejected_events")
    assert (kept["project_id"], kept["position"]) == (str(PROJECT), 1)
    assert "another project" in kept["detail"]
    assert {r["project_id"] for r in warehouse.rows("hour_changes")} == {str(PROJECT)}


UNUSABLE_HOURS = ["1795224000000", "yesterday", "2026-11-20T10", "2026-13-20 10", "2026-11-20 24", "1969-12-31 23"]
POISONS = [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe", b'{"event":"x"}', b"{" * 100_000] + [
    batch(1, row("x")).lines[0].replace(b"2026-11-20 10", hour.encode()) for hour in UNUSABLE_HOURS
]


@pytest.mark.parametrize("poison", POISONS, ids=range(len(POISONS)))
async def test_a_poisoned_line_is_kept_as_rejected_and_blocks_nobody(poison: bytes) -> None:
    warehouse = Store()
    good = batch(1, row("good")).lines[0]
    await store([raw(1, good, poison, good), batch(2, row("good"))], warehouse, FixedClock(NOW))
    assert [r["event"] for r in warehouse.rows("events")] == ["good"] * 3
    [kept] = warehouse.rows("rejected_events")
    encoded = kept["raw_encoding"] == "base64"
    assert (kept["position"], b64decode(kept["raw"]) if encoded else kept["raw"].encode()) == (1, poison)
    assert encoded == (poison == b"\xff\xfe")
    assert [r["hour"] for r in warehouse.rows("hour_changes")] == ["2026-11-20 10:00:00"]
    assert [(r["rows"], r["rejected"]) for r in warehouse.rows("batches")] == [(2, 1), (1, 0)]


async def test_the_same_record_twice_in_one_flush_is_counted_as_one() -> None:
    warehouse = Store(bad=lambda r: r["event"] == "bad")
    again = batch(1, row("good"), row("bad"), row("bad"))
    await store([again, again], warehouse, FixedClock(NOW))
    assert {(r["batch_id"], r["rows"], r["rejected"]) for r in warehouse.rows("batches")} == {
        (str(uuid.UUID(int=1)), 1, 2)
    }


# --- what ingest refused


def refused(number: int, *names: str) -> Record:
    events = [
        RefusedEvent(3 * place, "bad_timestamp", f"{name} is wrong", f'{{"event":"{name}"'.encode(), name)
        for place, name in enumerate(names)
    ]
    [made] = rejected_records(
        project_id=str(PROJECT),
        batch_id=uuid.UUID(int=number),
        events=events,
        micros=NOW,
        key_prefix="slp_abcd",
        request_id="r1",
    )
    made.attributes.update(knativekafkapartition="0", knativekafkaoffset="8")
    return read_record(made)


async def test_what_ingest_refused_is_kept_as_it_says_and_touches_no_hour() -> None:
    warehouse = Store()
    ours = metrics.BATCH_REJECTED._value.get()
    await store([refused(9, "a", "b")], warehouse, FixedClock(NOW))
    assert warehouse.order == ["rejected_events", "batches"]
    first, second = warehouse.rows("rejected_events")
    assert first == {
        "project_id": str(PROJECT),
        "batch_id": str(uuid.UUID(int=9)),
        "position": 0,
        "received_at": NOW_TEXT,
        "reason": "bad_timestamp",
        "detail": "a is wrong",
        "raw": '{"event":"a"',
        "raw_encoding": "utf-8",
        "source": "ingest",
        "key_prefix": "slp_abcd",
        "event": "a",
        "request_id": "r1",
    }
    assert (second["position"], second["raw"]) == (3, '{"event":"b"')
    assert metrics.BATCH_REJECTED._value.get() == ours


async def test_a_batch_of_refused_events_has_no_place_among_the_accepted_ones() -> None:
    warehouse = Store()
    again = refused(9, "a", "b")
    await store([again, again, batch(1, row("good"))], warehouse, FixedClock(NOW))
    found = {
        (r["batch_id"][-1], r["partition"], r["position"], r["rows"], r["rejected"]) for r in warehouse.rows("batches")
    }
    assert found == {("9", -1, -1, 0, 2), ("1", 3, 1, 1, 0)}


@pytest.mark.parametrize("line", [b"", b"[]", b"\xff", b'{"position":-1}', b'{"position":4294967296}'])
async def test_a_line_of_refused_events_that_is_none_is_kept_and_blocks_nobody(line: bytes) -> None:
    warehouse = Store()
    record_ = refused(9, "a")
    await store([record_._replace(lines=[*record_.lines, line])], warehouse, FixedClock(NOW))
    assert [(r["position"], r["reason"]) for r in warehouse.rows("rejected_events")] == [
        (0, "bad_timestamp"),
        (1, "store_refused"),
    ]
    assert [(r["rows"], r["rejected"]) for r in warehouse.rows("batches")] == [(0, 2)]


async def test_a_refused_line_cannot_name_another_project_batch_or_time_than_its_record() -> None:
    warehouse = Store()
    record_ = refused(9, "a")
    forged = record_.lines[0].replace(str(PROJECT).encode(), str(OTHER).encode()).replace(NOW_TEXT.encode(), b"never")
    await store([record_._replace(lines=[forged])], warehouse, FixedClock(NOW))
    [kept] = warehouse.rows("rejected_events")
    assert (kept["project_id"], kept["received_at"]) == (str(PROJECT), NOW_TEXT)


async def test_refused_and_accepted_records_share_a_flush() -> None:
    warehouse = Store()
    writing = writer(warehouse)
    await asyncio.gather(
        writing.write(refused(9, "a")), writing.write(refused(8, "b")), writing.write(batch(1, row(1)))
    )
    assert warehouse.order == ["events", "rejected_events", "hour_changes", "batches"]


# --- the end


async def test_closing_writes_what_waits_and_what_is_under_way() -> None:
    warehouse = Store()
    warehouse.answers.clear()
    writing = writer(warehouse, linger=0.01)
    under_way = asyncio.create_task(writing.write(batch(1, row(1))))
    await asyncio.sleep(0.05)
    waits = asyncio.create_task(writing.write(batch(2, row(2))))
    await turn()
    closing = asyncio.create_task(writing.close())
    await turn()
    warehouse.answers.set()
    await asyncio.wait_for(closing, 1)
    await asyncio.wait_for(asyncio.gather(under_way, waits), 1)
    assert [r["event"] for r in warehouse.rows("events")] == ["1", "2"]


async def test_closing_during_the_last_flush_does_not_break_it_off() -> None:
    warehouse = Store()
    warehouse.answers.clear()
    writing = writer(warehouse, linger=0)
    under_way = asyncio.create_task(writing.write(batch(1, row(1))))
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(writing.close())
    await turn()
    warehouse.answers.set()
    await asyncio.wait_for(closing, 1)
    await asyncio.wait_for(under_way, 1)
    assert warehouse.order == ["events", "hour_changes", "batches"]


async def test_closing_does_not_wait_for_the_linger() -> None:
    warehouse = Store()
    writing = writer(warehouse, linger=60)
    waits = asyncio.create_task(writing.write(batch(1, row(1))))
    await turn()
    await asyncio.wait_for(writing.close(), 1)
    await waits


async def test_a_caller_who_leaves_does_not_harm_the_others() -> None:
    warehouse = Store()
    writing = writer(warehouse)
    left, stayed = (asyncio.create_task(writing.write(batch(n, row(n)))) for n in (1, 2))
    await turn()
    left.cancel()
    await stayed
    assert {r["event"] for r in warehouse.rows("events")} == {"1", "2"}


async def test_a_record_of_bad_rows_is_sorted_out_beside_the_others_and_only_once() -> None:
    store_ = Store(bad=lambda row: row["event"] == "bad")
    started = asyncio.Event()

    class Slow(Store):
        async def insert_json_lines(self, table: str, lines: bytes) -> None:
            if table == "events" and b'"bad"' in lines and lines.count(b"\n") == 1:
                started.set()
                await asyncio.sleep(0.01)
            await store_.insert_json_lines(table, lines)

    writer = BatchWriter(Slow(), FixedClock(NOW), linger=0, max_rows=50_000)
    bad = read_record(message_of(PROJECT, ["bad"] * 40))
    good = read_record(message_of(OTHER, ["good"]))
    sorting = asyncio.create_task(writer.write(bad))
    await started.wait()
    again = asyncio.create_task(writer.write(bad))
    await writer.write(good)
    assert not sorting.done()
    await asyncio.gather(sorting, again)
    await writer.close()
    assert len(store_.rows("rejected_events")) == 40
    assert [row["event"] for row in store_.rows("events")] == ["good"]
    assert [(row["rows"], row["rejected"]) for row in store_.rows("batches")] == [(1, 0), (0, 40)]


def message_of(project: uuid.UUID, names: list[str]) -> Message:
    lines = [
        encode_line(Row(event=name, event_id=str(uuid.uuid4()), timestamp=NOW_TEXT, received_at=NOW_TEXT))
        for name in names
    ]
    return record(project_id=str(project), batch_id=uuid.uuid4(), lines=lines, micros=NOW)

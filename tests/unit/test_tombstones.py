"""Of people who were erased or withdrew nothing is stored, whoever sends it again; all others are not held up."""

import asyncio
import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from functions.batch_write.logic import store
from functions.batch_write.records import Record, read_record
from shared import tombstones
from shared.catalog.people import person_hash
from shared.clock import FixedClock
from shared.events import RefusedEvent, Row, encode_line, record, rejected_records
from shared.refusals import Refusal, UnavailableError
from shared.tombstones import ERASED_LINE, Tombstones
from shared.warehouse.client import Answer, WarehouseError

NOW = 1_795_224_000_123_456
TEXT = "2026-11-21 01:20:00.123456"
PROJECT, OTHER = uuid.UUID(int=10), uuid.UUID(int=11)
PEPPER = b"p" * 32


class Engine:
    """A warehouse with a table of people; `asked` counts the questions for it."""

    def __init__(self, **people: str) -> None:
        self.people = {self.hashed(key): reason for key, reason in people.items()}
        self.asked = 0
        self.inserts: list[tuple[str, list[dict[str, Any]]]] = []
        self.fault: Exception | None = None

    @staticmethod
    def hashed(key: str) -> str:
        return person_hash(PEPPER, key.replace("_", ":", 1)).hex()

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        if self.fault:
            raise self.fault
        if "count()" in sql:
            self.asked += 1
            return Answer((), [(len(self.people), str(sorted(self.people)))], 0)
        return Answer((), [(PROJECT, why, one, PEPPER.hex()) for one, why in self.people.items()], 0)

    async def insert_json_lines(self, table: str, lines: bytes) -> None:
        self.inserts.append((table, [json.loads(line) for line in lines.splitlines()]))

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [row for name, rows in self.inserts if name == table for row in rows]


def row(user: str = "", device: str = "", event: str = "e", **properties: Any) -> bytes:
    made = Row(event=event, event_id=str(uuid.uuid4()), timestamp=TEXT, received_at=TEXT, user_id=user)
    made.anonymous_id = device
    made.properties_raw = msgspec.Raw(json.dumps(properties).encode())
    return encode_line(made)


def batch(*lines: bytes, project: uuid.UUID = PROJECT) -> Record:
    return read_record(record(project_id=str(project), batch_id=uuid.uuid4(), lines=lines, micros=NOW))


def stored(engine: Engine, *records: Record, clock: FixedClock | None = None) -> None:
    clock = clock or FixedClock(NOW)
    asyncio.run(store(records, engine, clock, tombstones=Tombstones(engine, clock)))


def test_events_of_erased_people_are_counted_and_nothing_of_them_is_kept() -> None:
    engine = Engine(u_gone="person_erased", a_phone="person_erased", u_no="consent_withdrawn")
    lines = [
        row("gone"),
        row("stays"),
        row("", "phone"),
        row("stays", "phone"),
        row("no"),
        row("phone"),
        row("", "gone"),
    ]
    stored(engine, batch(*lines), batch(row("gone"), project=OTHER))
    assert [(one["user_id"], one.get("anonymous_id", "")) for one in engine.rows("events") if "user_id" in one] == [
        ("stays", ""),
        ("phone", ""),
        ("gone", ""),
    ]
    refused = engine.rows("rejected_events")
    assert [(one["position"], one["reason"]) for one in refused] == [
        (0, "person_erased"),
        (2, "person_erased"),
        (3, "person_erased"),
        (4, "consent_withdrawn"),
    ]
    assert {one["raw"] for one in refused} == {""}
    assert not any(name in json.dumps(refused) for name in ("gone", "phone"))
    assert sorted((one["rows"], one["rejected"]) for one in engine.rows("batches")) == [(1, 0), (3, 4)]


@pytest.mark.parametrize("name", ["previous_id", "previousId", "alias"])
def test_an_alias_of_somebody_else_that_names_an_erased_person_is_refused(name: str) -> None:
    engine = Engine(u_gone="person_erased")
    lines = [row("stays", event=event, **{name: "gone"}) for event in ("$create_alias", "alias", "purchase")]
    stored(engine, batch(*lines))
    assert [one["event"] for one in engine.rows("events")] == ["purchase"]


def test_what_was_refused_before_loses_its_content_where_it_names_an_erased_person() -> None:
    engine = Engine(u_gone="person_erased", a_77="person_erased")
    payloads = [
        b'{"event":"","user_id":"gone"}',
        b'{"event":"","properties":{"deep":["gone"]}}',
        b'{"event":"", "anonymous_id": 77}',
        b'{"event": "x", "user_id": "gone"',
        b'{"event":"","user_id":"gone2"}',
        b"\xff\xfe gone \xff",
    ]
    events = [RefusedEvent(n, "name_missing", "says gone", raw, "gone") for n, raw in enumerate(payloads)]
    made = rejected_records(project_id=str(PROJECT), batch_id=uuid.uuid4(), events=events, micros=NOW)
    stored(engine, *map(read_record, made))
    rows = {one["position"]: one for one in engine.rows("rejected_events")}
    assert [n for n, one in rows.items() if one["reason"] == "person_erased"] == [0, 1, 2, 3, 5]
    assert rows[4]["raw"] == payloads[4].decode()
    emptied = [one for one in rows.values() if one["reason"] == "person_erased"]
    assert "gone" not in json.dumps(emptied)
    assert base64.b64encode(b"gone").decode()[:4] not in json.dumps(emptied)
    [kept] = engine.rows("batches")
    assert (kept["rows"], kept["rejected"]) == (0, 6)


def test_a_line_that_an_erasure_emptied_is_refused_as_such() -> None:
    engine = Engine()
    good = batch(row("stays"))
    stored(engine, good._replace(lines=[*good.lines, ERASED_LINE]))
    [refused] = engine.rows("rejected_events")
    assert (refused["position"], refused["reason"], refused["raw"]) == (1, "person_erased", "")


def test_people_are_asked_for_once_in_a_while_and_not_with_every_flush() -> None:
    engine, clock = Engine(u_gone="person_erased"), FixedClock(NOW)
    known = Tombstones(engine, clock)

    async def ask(times: int) -> None:
        for _ in range(times):
            await known.now()

    asyncio.run(ask(100))
    assert engine.asked == 1
    clock.advance(tombstones.KNOWN_SECONDS + 0.1)
    asyncio.run(ask(100))
    assert engine.asked == 2


def test_without_knowing_nothing_is_stored_and_the_record_comes_again() -> None:
    engine = Engine()
    engine.fault = WarehouseError(60, "no such table")
    with pytest.raises(UnavailableError):
        stored(engine, batch(row("u")))
    assert engine.inserts == []


def test_somebody_erased_between_two_halves_of_a_block_sends_the_record_back() -> None:
    """Finding a bad row takes many inserts: none of them may store somebody who was erased meanwhile."""
    clock = FixedClock(NOW)

    class Slow(Engine):
        async def insert_json_lines(self, table: str, lines: bytes) -> None:
            if table == "events" and lines.count(b"\n") > 1:
                clock.advance(tombstones.KNOWN_SECONDS + 1)
                self.people[self.hashed("u_late")] = "person_erased"
                raise WarehouseError(117, "a row cannot be parsed")
            await super().insert_json_lines(table, lines)

    engine = Slow()
    with pytest.raises(UnavailableError):
        stored(engine, batch(row("late"), row("bad")), clock=clock)
    assert engine.inserts == []


def test_a_payload_too_long_to_look_through_is_not_kept() -> None:
    blocked = tombstones.Blocked(PEPPER, {bytes.fromhex(Engine.hashed("u_gone")): "person_erased"})
    assert blocked.why_not_payload(json.dumps([str(n) for n in range(30_000)])) is Refusal.PERSON_ERASED
    assert blocked.why_not_payload(json.dumps([str(n) for n in range(1_000)])) is None

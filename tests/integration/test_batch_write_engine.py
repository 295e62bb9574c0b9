"""ingest's rows through batch_write into the real engine: what was sent comes back, only what must be is refused."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.batch_write.logic import store
from functions.batch_write.records import Record, read_record
from functions.ingest.validate import arrival, validate
from shared.clock import FixedClock
from shared.events import encode_line, record
from shared.refusals import Rejected, UnavailableError
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate
from tests.integration.door_process import PASSWORD, WarehouseProcess, warehouse_process

NOW = 1_795_224_000_000_000  # 2026-11-21T01:20:00Z


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    with warehouse_process(tmp_path_factory.mktemp("write")) as process:
        asyncio.run(migrate(connect(process)))
        yield process


def connect(process: WarehouseProcess) -> Warehouse:
    return Warehouse(process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default")


def ask(process: WarehouseProcess, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    async def asked() -> list[tuple[Any, ...]]:
        warehouse = connect(process)
        try:
            return (await warehouse.query(sql, parameters)).rows
        finally:
            await warehouse.close()

    return asyncio.run(asked())


def put(process: WarehouseProcess, *records: Record) -> None:
    async def stored() -> None:
        warehouse = connect(process)
        try:
            await store(records, warehouse, FixedClock(NOW))
        finally:
            await warehouse.close()

    asyncio.run(stored())


def accepted(event: bytes, project: uuid.UUID) -> bytes | None:
    """The line ingest makes of an event, None where it refuses it."""
    try:
        return encode_line(validate(event, arrival(project, NOW), uuid.uuid4().bytes[:10]).row)
    except Rejected:
        return None


def batch(project: uuid.UUID, *lines: bytes) -> Record:
    return read_record(record(project_id=str(project), batch_id=uuid.uuid4(), lines=lines, micros=NOW))


# --- any JSON a client may write, as text: the digits, escapes, spaces and order are the client's own

spaces = st.sampled_from(["", "", "", " ", "\t", "  "])
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
strings = st.builds(lambda text, ascii_only: json.dumps(text, ensure_ascii=ascii_only), texts, st.booleans())
keys = strings | st.sampled_from(
    ['"a"', '"a.b"', '""', '"."', '"a."', '".a"', '"a..b"', '"`"', '"^a"', '"a[]"', '":Int64"', '"null"']
)


def listed(items: list[str], space: str, ends: str) -> str:
    return ends[0] + space + f",{space}".join(items) + space + ends[1]


json_texts = st.recursive(
    numbers
    | strings
    | st.sampled_from(["true", "false", "null", "{}", "[]", '"2026-01-01T10:00:00Z"', '"2026-01-01"']),
    lambda inner: (
        st.builds(listed, st.lists(inner, max_size=4), spaces, st.just("[]"))
        | st.builds(listed, st.lists(st.builds("{}:{}".format, keys, inner), max_size=4), spaces, st.just("{}"))
    ),
    max_leaves=12,
)
objects = st.builds(listed, st.lists(st.builds("{}: {}".format, keys, json_texts), max_size=6), spaces, st.just("{}"))


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(objects, min_size=5, max_size=30))
def test_accepted_properties_come_back_byte_for_byte_and_none_is_refused(
    process: WarehouseProcess, sent: list[str]
) -> None:
    project = uuid.uuid4()
    events = [f'{{"event":"{place}","properties":{text},"context":{text}}}' for place, text in enumerate(sent)]
    lines = [accepted(event.encode(), project) for event in events]
    kept = {str(place): text for place, (text, line) in enumerate(zip(sent, lines, strict=True)) if line is not None}
    put(process, batch(project, *(line for line in lines if line is not None)))
    refused = ask(process, "SELECT raw, detail FROM rejected_events WHERE project_id = {p:UUID}", p=str(project))
    assert refused == []
    read = "SELECT event, properties_raw, context_raw FROM events FINAL WHERE project_id = {p:UUID}"
    assert {name: (raw, context) for name, raw, context in ask(process, read, p=str(project))} == {
        name: (text, text) for name, text in kept.items()
    }


def test_every_column_of_a_row_comes_back(process: WarehouseProcess) -> None:
    project = uuid.uuid4()
    sent = {
        "event": "it's \t ключ",
        "id": "order-17",
        "user_id": "u\n1",
        "anonymous_id": "🙂",
        "session_id": "\\N",
        "timestamp": "1970-01-01T00:00:00.000001Z",
        "sent_at": "2026-11-21T01:19:59.5Z",
    }
    line = accepted(json.dumps(sent).encode(), project)
    assert line is not None
    put(process, batch(project, line))
    [row] = ask(
        process,
        "SELECT event, client_id, toString(event_id), user_id, anonymous_id, session_id, user_key, toString(timestamp),"
        " toString(sent_at), toString(received_at), properties_raw FROM events WHERE project_id = {p:UUID}",
        p=str(project),
    )
    assert row == (
        "it's \t ключ",
        "order-17",
        str(uuid.uuid5(project, "order-17")),
        "u\n1",
        "🙂",
        "\\N",
        "u:u\n1",
        "1970-01-01 00:00:00.000001",
        "2026-11-21 01:19:59.500000",
        "2026-11-21 01:20:00.000000",
        "{}",
    )


# What the engine refuses though a bug may let it pass, each by a fault of its own.
BAD = [
    b'"properties_raw":{"a":1,"a":2}',
    b'"properties_raw":{"b":{"c":1},"b.c":2}',
    b'"properties_raw":[1]',
    b'"properties_raw":"text"',
    b'"event_id":"not a uuid"',
    b'"sent_at":"yesterday"',
    b'"misspelt":1',
]


@pytest.mark.parametrize("bad", BAD)
def test_a_row_the_engine_refuses_costs_only_itself(bad: bytes, process: WarehouseProcess) -> None:
    project = uuid.uuid4()
    good = accepted(b'{"event":"good","timestamp":"2026-11-20T10:00:00Z"}', project)
    assert good is not None
    name = bad.partition(b":")[0]
    without = b",".join(part for part in good[1:].split(b",") if not part.startswith(name))
    poison = (b"{" + without + b"," + bad).replace(b'"event":"good"', b'"event":"bad"').replace(b" 10:", b" 11:")
    made = batch(project, good, poison, good.replace(b'"good"', b'"fine"'))
    put(process, made)
    stored = "SELECT event FROM events WHERE project_id = {p:UUID} ORDER BY event"
    assert ask(process, stored, p=str(project)) == [("fine",), ("good",)]
    [(position, reason, detail, raw)] = ask(
        process,
        "SELECT position, reason, detail, raw FROM rejected_events WHERE project_id = {p:UUID}",
        p=str(project),
    )
    assert (position, reason, raw.encode()) == (1, "store_refused", made.lines[1])
    assert "Code: " in detail or "DB::Exception" in detail
    hours = "SELECT toString(hour), sum(changes) FROM hour_changes WHERE project_id = {p:UUID} GROUP BY hour"
    assert ask(process, hours, p=str(project)) == [("2026-11-20 10:00:00", 1)]
    batches = "SELECT toString(batch_id), rows, rejected FROM batches FINAL WHERE project_id = {p:UUID}"
    assert ask(process, batches, p=str(project)) == [(made.batch_id, 2, 1)]


def test_a_record_delivered_again_changes_no_count_and_grows_the_ledger(process: WarehouseProcess) -> None:
    project = uuid.uuid4()
    lines = [accepted(b'{"event":"%d","timestamp":"2026-11-20T10:00:00Z"}' % number, project) for number in range(5)]
    made = batch(project, *(line for line in lines if line is not None))
    put(process, made)
    put(process, made, made)
    assert ask(process, "SELECT count() FROM events FINAL WHERE project_id = {p:UUID}", p=str(project)) == [(5,)]
    assert ask(process, "SELECT count() FROM batches FINAL WHERE project_id = {p:UUID}", p=str(project)) == [(1,)]
    [(version,)] = ask(process, "SELECT sum(changes) FROM hour_changes WHERE project_id = {p:UUID}", p=str(project))
    assert version >= 2


def test_an_import_may_span_many_weeks(process: WarehouseProcess) -> None:
    project = uuid.uuid4()
    lines = [
        accepted(f'{{"event":"x","timestamp":"{year}-{month:02}-03T00:00:00Z"}}'.encode(), project)
        for year in range(1971, 2026)
        for month in (1, 4, 7, 10)
    ]
    put(process, batch(project, *(line for line in lines if line is not None)))
    assert ask(process, "SELECT count() FROM events FINAL WHERE project_id = {p:UUID}", p=str(project)) == [(220,)]


def test_a_warehouse_that_was_killed_asks_for_redelivery_and_serves_again(tmp_path: Path) -> None:
    project = uuid.uuid4()
    line = accepted(b'{"event":"x"}', project)
    assert line is not None
    made = batch(project, line)

    async def killed_between(process: WarehouseProcess) -> None:
        warehouse = connect(process)
        await migrate(warehouse)
        await store([made], warehouse, FixedClock(NOW))
        process.kill()
        with pytest.raises(UnavailableError):
            await store([made], warehouse, FixedClock(NOW))
        await asyncio.to_thread(process.restart)
        await store([made], warehouse, FixedClock(NOW))
        assert (await warehouse.query("SELECT count() FROM events FINAL")).value == 1
        await warehouse.close()

    with warehouse_process(tmp_path) as process:
        asyncio.run(killed_between(process))

"""A warehouse with a project of its own, filled the way batch_write fills it, for tests of what reads it."""

import asyncio
import json
import uuid
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from functions.batch_write.logic import store
from functions.batch_write.records import Record, read_record
from shared.bus import Message
from shared.clock import FixedClock, to_micros
from shared.events import Row, encode_line, record
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate
from tests.integration.door_process import PASSWORD, warehouse_process

T = TypeVar("T")
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Stored:
    """The warehouse; every project is a test's own, so that tests share one engine."""

    def __init__(self, warehouse: Warehouse, url: str = "") -> None:
        self.warehouse = warehouse
        self.url = url
        self.clock = FixedClock(to_micros(NOW))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def put(self, *messages: Message) -> list[Record]:
        """Store records as batch_write does when they are delivered together."""
        records = list(map(read_record, messages))
        self.run(store(records, self.warehouse, self.clock))
        return records

    def insert(self, table: str, rows: Sequence[object]) -> None:
        self.run(self.warehouse.insert_json_lines(table, msgspec.json.Encoder().encode_lines(rows)))


@contextmanager
def stored(folder: Path) -> Iterator[Stored]:
    """A migrated, empty warehouse, which ends with the block."""
    with warehouse_process(folder) as process:
        url = process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default"
        warehouse = Warehouse(url)
        asyncio.run(migrate(warehouse))
        yield Stored(warehouse, url)
        asyncio.run(warehouse.close())


def row(event: str, ago: timedelta = timedelta(0), /, properties: Any = None, **more: Any) -> Row:
    """An event that happened so long before NOW."""
    if not isinstance(properties, bytes):
        properties = json.dumps(properties or {}, ensure_ascii=False).encode()
    given: dict[str, Any] = {"event_id": str(uuid.uuid4()), "received_at": "2026-03-31 12:00:00.000000", **more}
    return Row(event=event, timestamp=text_of(NOW - ago), properties_raw=msgspec.Raw(properties), **given)


def text_of(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def batch(project: uuid.UUID, *rows: Row, batch_id: uuid.UUID | None = None) -> Message:
    """One record of these events, accepted at NOW."""
    lines = list(map(encode_line, rows))
    return record(project_id=str(project), batch_id=batch_id or uuid.uuid4(), lines=lines, micros=to_micros(NOW))

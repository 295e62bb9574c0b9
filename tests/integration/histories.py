"""Histories of people in a warehouse, for analyses that are held against plain Python."""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from shared.events import Row, encode_line, record
from shared.warehouse.client import Warehouse
from shared.warehouse.migrate import migrate
from tests.integration.door_process import PASSWORD, warehouse_process


class Event(NamedTuple):
    """What somebody did; `properties` of None are left out."""

    user: str
    name: str
    at: datetime
    properties: Mapping[str, Any] = MappingProxyType({})


@contextmanager
def warehouse_with(folder: Path, project: uuid.UUID, events: Sequence[Event]) -> Iterator[Warehouse]:
    """A warehouse of its own process with these events in a project, a third of them delivered twice."""
    rows = [
        Row(
            event=event.name,
            event_id=str(uuid.UUID(int=number + 1)),
            timestamp=str(event.at.replace(tzinfo=None)),
            received_at="2026-06-01 00:00:00.000000",
            user_id=event.user,
            session_id=f"s{event.user}",
            properties_raw=msgspec.Raw(
                json.dumps({name: value for name, value in event.properties.items() if value is not None}).encode()
            ),
        )
        for number, event in enumerate(events)
    ]
    batch = record(project_id=str(project), batch_id=uuid.UUID(int=1), lines=list(map(encode_line, rows)), micros=0)
    with warehouse_process(folder) as process:
        warehouse = Warehouse(process.url.replace("//", f"//sluice:{quote(PASSWORD, safe='')}@") + "/default")
        asyncio.run(migrate(warehouse))
        asyncio.run(warehouse.insert_json_lines("events", batch.data))
        asyncio.run(warehouse.insert_json_lines("events", b"".join(batch.data.splitlines(keepends=True)[::3])))
        yield warehouse
        asyncio.run(warehouse.close())


def by_person(events: Sequence[Event]) -> dict[str, list[Event]]:
    """Everybody's events in the order of time."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda one: one.at):
        found[event.user].append(event)
    return found

"""What a day of an event was like, read from the warehouse: numbers, names and types, no value of any event."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec

from shared.query.json_types import json_type
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, rejected_scope, scope
from shared.schemas import Compiled
from shared.warehouse.client import Answer

HERE = Path(__file__).parent
MOST_EVENTS = 200
MOST_ROWS = 20_000
MOST_PATHS = 300
MOST_CHECKED = 5_000
_EXACT_ROWS = 1_000_000
_MOST_BROKEN = 5
_UTC = ZoneInfo("UTC")
# The columns of volumes.sql behind the name.
_NUMBERS = ("volume", "late", "future", "bots", "repeats", "id_conflicts")

_decode_object = msgspec.json.Decoder(dict[str, Any]).decode


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer: ...


class Seen(msgspec.Struct):
    """A property in a sample: how many rows have it, and of which JSON types, numbers all the same."""

    rows: int
    types: dict[str, int]


class Profile(msgspec.Struct):
    """A day of an event.

    `sampled` rows were looked at for `properties`; of `checked` rows `broken` were not as the schema says, `rules` says
    which of its rules how often. `refused` were refused at ingest, `mismatched` of them by the schema.
    """

    volume: int = 0
    late: int = 0
    future: int = 0
    bots: int = 0
    repeats: int = 0
    id_conflicts: int = 0
    refused: int = 0
    mismatched: int = 0
    sampled: int = 0
    checked: int = 0
    broken: int = 0
    rules: dict[str, int] = {}
    properties: dict[str, Seen] = {}


class Reader:
    """Reads the days of one project."""

    def __init__(self, warehouse: Warehouse, project_id: uuid.UUID) -> None:
        self._warehouse = warehouse
        self._project_id = project_id

    async def day(self, day: date, schemas: Mapping[str, Compiled]) -> dict[str, Profile]:
        """The most frequent events of a day, and those of which all were refused; raises UnavailableError."""
        every = max(1, int((await self._ask("rough", day)).value) // _EXACT_ROWS)
        rows = (await self._ask("volumes", day, every=every, most=MOST_EVENTS)).rows
        found = {
            name: msgspec.convert(dict(zip(_NUMBERS, map(int, numbers), strict=True)), Profile)
            for name, *numbers in rows
        }
        await self._properties(day, found)
        for event in found.keys() & schemas.keys():
            await self._check(day, event, schemas[event], found[event])
        for name, refused, mismatched in (await self._ask("rejected", day, most=MOST_EVENTS)).rows:
            profile = found.setdefault(name, Profile())
            profile.refused, profile.mismatched = int(refused), int(mismatched)
        return found

    async def _properties(self, day: date, found: Mapping[str, Profile]) -> None:
        if not found:
            return
        names = list(found)
        every = [max(1, found[name].volume // MOST_ROWS) for name in names]
        answer = await self._ask("properties", day, events=names, names=names, every=every, most=MOST_PATHS + 1)
        for name, path, stored, rows in answer.rows:
            profile = found[name]
            if not stored:
                profile.sampled = int(rows)
                continue
            seen = profile.properties.setdefault(path, Seen(0, {}))
            kind = json_type(stored)
            kind = "number" if kind == "integer" else kind
            seen.rows += int(rows)
            seen.types[kind] = seen.types.get(kind, 0) + int(rows)

    async def _check(self, day: date, event: str, schema: Compiled, profile: Profile) -> None:
        answer = await self._ask("sample", day, events=[event], most=MOST_CHECKED)
        work = partial(broken, [row[0] for row in answer.rows], schema)
        profile.checked, profile.broken, profile.rules = await asyncio.to_thread(work)

    async def _ask(self, name: str, day: date, *, events: Sequence[str] = (), **values: Any) -> Answer:
        parameters, period = Parameters(), whole(day)
        if name == "rejected":
            where = rejected_scope(self._project_id, period, parameters)
        else:
            where = scope(self._project_id, period, parameters, events=events)
        parts = {part: parameters.bind(_TYPES[part, type(value)], value) for part, value in values.items()}
        return await self._warehouse.query(read_sql(HERE, name, scope=where, **parts), parameters.values)


_TYPES: dict[tuple[str, type], str] = {
    ("every", int): "UInt32",
    ("every", list): "Array(UInt32)",
    ("names", list): "Array(String)",
    ("most", int): "UInt32",
}


def whole(day: date) -> Period:
    """A day in UTC."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Period(start, start + timedelta(days=1), _UTC)


def broken(samples: Sequence[str], schema: Compiled) -> tuple[int, int, dict[str, int]]:
    """How many properties were looked at, how many are not as the schema says, and which rules they break how often."""
    rules: Counter[str] = Counter()
    count = 0
    for raw in samples:
        properties = _decode_object(raw.encode())
        if schema.holds(properties):
            continue
        count += 1
        rules.update({f"{one.path or '(all)'}: {one.keyword}" for one in schema.violations(properties)})
    return len(samples), count, dict(rules.most_common(_MOST_BROKEN))

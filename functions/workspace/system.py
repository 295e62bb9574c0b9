"""How the instance is: whether each engine answers, how far the functions are behind, and how fresh a project is.

Nothing is woken up for it: a function that is scaled to zero shows by what waits for it on the bus.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from functions.workspace.call import Call
from functions.workspace.ports import Settings
from shared.bus.inspection import open_inspection
from shared.cache import open_cache
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import Reply, json_reply
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.refusals import UnavailableError
from shared.security.policy import Action
from shared.warehouse.client import Warehouse

PartName = Literal["bus", "warehouse", "catalog", "cache"]
_PATIENCE_SECONDS = 3.0
# A few wait in every running system: a record is done milliseconds after it came.
_USUAL_RECORDS = 100
_KINDS = {"kafka": "Kafka", "kafka+ssl": "Kafka", "memory": "memory"}


class Part(msgspec.Struct, frozen=True):
    """An engine: what it is, whether it answered, and in how many milliseconds; `version` where it tells one."""

    name: PartName
    kind: str
    ok: bool
    took_ms: float
    version: str | None = None
    schema_version: str | None = None


class Queue(msgspec.Struct, frozen=True):
    """Records of a topic that a function has not done yet; the topic keeps `kept` of them."""

    topic: str
    function: str
    waiting: int
    kept: int


class Freshness(msgspec.Struct, frozen=True):
    """Of the project, over the last hour: what was stored, and how long that took from being accepted.

    `received_at` is when the newest record of it came, null where none did; the delays are null then, too. `stored` and
    `refused` are about how many of its events were.
    """

    received_at: datetime | None
    records: int
    delay_p50_ms: float | None
    delay_p95_ms: float | None
    stored: int = 0
    refused: int = 0


class Ledger(msgspec.Struct, frozen=True):
    """Whether all that was acknowledged is written: `gaps` nobody has explained, the oldest found `since`.

    `unchecked` before the first check; `checked_at` is the last one.
    """

    state: Literal["proven", "gap", "unchecked"]
    gaps: int
    since: datetime | None
    checked_at: datetime | None


class System(msgspec.Struct, frozen=True):
    """How the instance is now; `queues`, `freshness` and `ledger` are null where the engine that knows is away."""

    state: Literal["ok", "behind", "degraded"]
    parts: list[Part]
    queues: list[Queue] | None
    freshness: Freshness | None
    ledger: Ledger | None
    checked_at: datetime


class _Seen(msgspec.Struct, frozen=True):
    part: Part
    queues: list[Queue] | None = None
    freshness: Freshness | None = None
    ledger: Ledger | None = None


class _Answered(msgspec.Struct, frozen=True):
    """What an engine said of itself."""

    version: str | None = None
    schema_version: str | None = None
    queues: list[Queue] | None = None
    freshness: Freshness | None = None
    ledger: Ledger | None = None


async def show(call: Call) -> Reply:
    """The engines asked side by side, each for at most three seconds; one that is away is said to be, not raised."""
    caller = await call.in_project(Action.EVENTS_READ)
    settings = call.ports.settings
    bus, warehouse, catalog, cache = await asyncio.gather(
        _seen("bus", _kind(settings.bus_url), lambda: _bus(settings)),
        _seen("warehouse", "ClickHouse", lambda: _warehouse(settings, str(caller.project_id))),
        _seen("catalog", "PostgreSQL", lambda: _catalog(call)),
        _seen("cache", _kind(settings.cache_url), lambda: _cache(settings)),
    )
    seen = [bus, warehouse, catalog, *([cache] if settings.cache_url else [])]
    return json_reply(
        System(
            state=_state([one.part for one in seen], bus.queues),
            parts=[one.part for one in seen],
            queues=bus.queues,
            freshness=warehouse.freshness,
            ledger=catalog.ledger,
            checked_at=to_datetime(SYSTEM_CLOCK.micros()),
        )
    )


def _state(parts: list[Part], queues: list[Queue] | None) -> Literal["ok", "behind", "degraded"]:
    if not all(part.ok for part in parts):
        return "degraded"
    behind = any(queue.waiting > _USUAL_RECORDS for queue in queues or ())
    return "behind" if behind else "ok"


async def _seen(name: PartName, kind: str, ask: Callable[[], Awaitable[_Answered]]) -> _Seen:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            said = await ask()
    except (UnavailableError, TimeoutError):
        return _Seen(Part(name, kind, ok=False, took_ms=_since(started)))
    part = Part(name, kind, True, _since(started), said.version, said.schema_version)
    return _Seen(part, said.queues, said.freshness, said.ledger)


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1_000, 1)


def _kind(url: str) -> str:
    return _KINDS.get(url.partition("://")[0], "Valkey")


async def _bus(settings: Settings) -> _Answered:
    inspection = open_inspection(settings.bus_url)
    try:
        topics = await inspection.topics()
    finally:
        await inspection.close()
    return _Answered(
        queues=[
            Queue(topic.name, group, waiting, topic.length)
            for topic in topics
            for group, waiting in topic.groups.items()
        ]
    )


async def _warehouse(settings: Settings, project: str) -> _Answered:
    warehouse, parameters = Warehouse(settings.warehouse_url), Parameters()
    sql = read_sql(Path(__file__).parent, "system", project=parameters.bind("UUID", project))
    try:
        [[version, schema, records, newest, middle, most, *events]] = (
            await warehouse.query(sql, parameters.values)
        ).rows
    finally:
        await warehouse.close()
    fresh = Freshness(to_datetime(newest), records, round(middle, 1), round(most, 1), *events) if records else None
    return _Answered(version, f"{schema:04}", freshness=fresh or Freshness(None, 0, None, None))


async def _catalog(call: Call) -> _Answered:
    [row] = await call.ports.catalog.rows("workspace/versions")
    [ledger] = await call.ports.catalog.rows("ledger/state")
    state = "gap" if ledger["gaps"] else "proven" if ledger["checked_at"] else "unchecked"
    return _Answered(row["version"], row["schema_version"], ledger=msgspec.convert({**ledger, "state": state}, Ledger))


async def _cache(settings: Settings) -> _Answered:
    if settings.cache_url:
        cache = open_cache(settings.cache_url)
        try:
            await cache.ping()
        finally:
            await cache.close()
    return _Answered()

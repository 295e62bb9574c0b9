"""Records from the bus → live windows; windows, and the warehouse where they are lost → counts a minute."""

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec

from shared.bus import Message
from shared.cache import EMPTY, KEPT_MINUTES, Cache, CacheUnavailableError, Window, window_of
from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, received_scope

_MICROS = 60_000_000
_UTC = ZoneInfo("UTC")


class LiveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a caller asks: how many minutes back, the one under way included."""

    minutes: Annotated[int, msgspec.Meta(ge=1, le=KEPT_MINUTES)] = 30


class LiveMinute(msgspec.Struct, frozen=True):
    """Events received in one minute: of each name, the most frequent first, and of all further names together."""

    minute: str
    total: int
    events: dict[str, int]
    rest: int
    source: Literal["cache", "warehouse"]


class LiveAnswer(msgspec.Struct, frozen=True):
    """The minutes in order; the last one is still under way."""

    minutes: list[LiveMinute]
    incomplete_last: bool
    took_ms: float
    range: dict[str, str]


class _Seen(msgspec.Struct):
    """What is needed of a row."""

    event: str
    received_at: str
    project_id: str


_rows = msgspec.json.Decoder(_Seen)


async def watch(message: Message, cache: Cache, clock: Clock) -> None:
    """Count a record of accepted events in its project's windows; raises CacheUnavailableError.

    What is no record or no row is passed over here: batch_write says what is wrong with it.
    """
    project = message.attributes.get("project", "")
    counts: dict[int, Counter[str]] = {}
    minutes: dict[str, int] = {}
    for row in _read(message.data):
        start = row.received_at[:16]
        minute = minutes.get(start)
        if minute is None:
            minute = minutes[start] = _minute(start)
        if minute and row.project_id == project:
            counts.setdefault(minute, Counter())[row.event] += 1
    if counts:
        await cache.count(project, message.attributes["id"], counts, clock.micros() // _MICROS)


def _read(data: bytes) -> Sequence[_Seen]:
    try:
        return _rows.decode_lines(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return list(_read_one_by_one(data))


def _read_one_by_one(data: bytes) -> Iterator[_Seen]:
    for line in data.splitlines():
        try:
            yield _rows.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue


def _minute(start: str) -> int:
    """The minute of a time that begins like `2026-01-31 12:30`; 0 where it is none."""
    try:
        return int(datetime.fromisoformat(f"{start}:00").replace(tzinfo=UTC).timestamp()) // 60
    except ValueError:
        return 0


async def live_counts(
    query: LiveQuery, project_id: uuid.UUID, cache: Cache, warehouse: Warehouse, clock: Clock
) -> LiveAnswer:
    """How many events were received in each of the last minutes.

    Raises Rejected where the warehouse has to answer and cannot afford it, UnavailableError where it does not answer.
    """
    started, now = clock.monotonic(), clock.micros() // _MICROS
    wanted = range(now - query.minutes + 1, now + 1)
    try:
        cached = await cache.windows(str(project_id), wanted[0], wanted[-1], now)
    except CacheUnavailableError:
        cached = [None] * len(wanted)
    lost = [minute for minute, window in zip(wanted, cached, strict=True) if window is None]
    found = await _from_warehouse(project_id, _period(lost[0], lost[-1]), warehouse) if lost else {}
    return LiveAnswer(
        minutes=[
            _shown(minute, window or found.get(minute, EMPTY), "warehouse" if window is None else "cache")
            for minute, window in zip(wanted, cached, strict=True)
        ],
        incomplete_last=True,
        took_ms=round((clock.monotonic() - started) * 1_000, 2),
        range=_period(wanted[0], wanted[-1]).echo(),
    )


async def _from_warehouse(project_id: uuid.UUID, period: Period, warehouse: Warehouse) -> Mapping[int, Window]:
    parameters = Parameters()
    sql = read_sql(Path(__file__).parent, "minutes", scope=received_scope(project_id, period, parameters))
    rows = (await Asker(warehouse, function="live").ask(sql, parameters.values)).rows
    kept: dict[int, list[tuple[str, int]]] = {}
    totals: dict[int, int] = {}
    for minute, event, events, total in rows:
        kept.setdefault(minute, []).append((event, events))
        totals[minute] = total
    return {minute: window_of(names, totals[minute] - sum(n for _, n in names)) for minute, names in kept.items()}


def _period(first: int, last: int) -> Period:
    return Period(to_datetime(first * _MICROS), to_datetime((last + 1) * _MICROS), _UTC)


def _shown(minute: int, window: Window, source: Literal["cache", "warehouse"]) -> LiveMinute:
    start = to_datetime(minute * _MICROS).isoformat().replace("+00:00", "Z")
    return LiveMinute(start, window.total, window.counts, window.rest, source)

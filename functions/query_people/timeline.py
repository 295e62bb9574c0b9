"""A person's events, whichever of their ids they were sent under, the newest first."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.pages import DEFAULT_LIMIT, Limit, Micros, newest, open_page
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.relatives import Relatives
from shared.query.scope import read_sql, scope

_HERE = Path(__file__).parent


class Key(NamedTuple):
    """What an event of a person is told apart by, in the order of the list."""

    timestamp: Micros
    event_id: uuid.UUID
    event: str
    user_key: str


class TimelineQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """Which part of it; without `from` it begins in 1970, without `to` it ends 24 hours from now."""

    start: str = ""
    end: str = ""
    events: list[str] = []
    timezone: str | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""


class TimelineEvent(msgspec.Struct, frozen=True):
    """An event; `user_key` is the one of the person's ids it was sent under, null is an empty column."""

    event_id: str
    event: str
    timestamp: str
    user_key: str
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    properties: msgspec.Raw
    url: str | None
    path: str | None
    referrer: str | None
    channel: str | None
    browser: str | None
    os: str | None
    device: str | None
    country: str | None
    revenue: float | None
    currency: str | None


class TimelineAnswer(msgspec.Struct, frozen=True):
    """A page of the events of `person`; `next_cursor` is null on the last page."""

    person: str
    items: list[TimelineEvent]
    next_cursor: str | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]


class _OfOne(TimelineQuery, frozen=True, kw_only=True):
    """A cursor belongs to one person."""

    of: str = ""


async def timeline(
    query: TimelineQuery, key: str, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock
) -> TimelineAnswer:
    """One page; empty for a key nobody has. Raises Rejected and UnavailableError as every query does."""
    asker = Asker(warehouse, function="query_people", project_id=project_id)
    who = await Relatives(project_id, asker).of(key)
    bound = msgspec.convert({**msgspec.to_builtins(query), "of": key}, _OfOne)
    page = open_page(bound, Key, listed="timeline", project_id=project_id, now=to_datetime(clock.micros()))

    async def ask(window: Period) -> Sequence[tuple[Any, ...]]:
        parameters = Parameters()
        wanted = scope(project_id, window, parameters, events=query.events)
        if page.after is not None:
            wanted += f"\n    AND {_after(page.after, parameters)}"
        keys, limit = parameters.bind("Array(String)", list(who.keys)), parameters.bind("UInt32", query.limit + 1)
        sql = read_sql(_HERE, "timeline", scope=wanted, keys=keys, limit=limit)
        return (await asker.ask(sql, parameters.values)).rows

    found = await newest(page.period, query.limit + 1, ask)
    shown = [Key(row[0], uuid.UUID(row[1]), row[2], row[3]) for row in found[: query.limit]]
    return TimelineAnswer(
        person=who.person,
        items=await _whole(shown, project_id, page.period, asker),
        next_cursor=page.cursor(shown[-1]) if len(found) > query.limit else None,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=page.period.echo(),
    )


def _after(key: Key, parameters: Parameters) -> str:
    moment = parameters.bind("DateTime64(6, 'UTC')", str(to_datetime(key.timestamp).replace(tzinfo=None)))
    texts = ", ".join(parameters.bind("String", text) for text in (str(key.event_id), key.event, key.user_key))
    return f"timestamp <= {moment} AND (timestamp, toString(event_id), event, user_key) < ({moment}, {texts})"


async def _whole(keys: Sequence[Key], project_id: uuid.UUID, period: Period, asker: Asker) -> list[TimelineEvent]:
    """The events of these keys, in this order; one that was erased meanwhile is left out."""
    if not keys:
        return []
    parameters = Parameters()
    wanted = scope(project_id, period, parameters, events=sorted({key.event for key in keys}))
    sql = read_sql(
        _HERE,
        "timeline_events",
        scope=wanted,
        moments=parameters.bind("Array(Int64)", sorted({key.timestamp for key in keys})),
        ids=parameters.bind("Array(UUID)", sorted({str(key.event_id) for key in keys})),
        keys=parameters.bind("Array(String)", sorted({key.user_key for key in keys})),
    )
    rows = (await asker.ask(sql, parameters.values)).rows
    found = {Key(row[2], uuid.UUID(row[0]), row[1], row[3]): row for row in rows}
    return [_event(found[key], period) for key in keys if key in found]


def _event(row: Sequence[Any], period: Period) -> TimelineEvent:
    cells = dict(zip(TimelineEvent.__struct_fields__, row, strict=True))
    cells = {name: None if value == "" else value for name, value in cells.items()}
    cells["timestamp"] = to_datetime(row[2]).astimezone(period.zone).isoformat(timespec="microseconds")
    cells["properties"] = msgspec.Raw(row[7].encode())
    return TimelineEvent(**cells)

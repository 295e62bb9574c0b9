"""A question for events → its SQL → a page of whole events."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.fields import PERSON
from shared.query.filters import Filter
from shared.query.identity import Identity
from shared.query.pages import DEFAULT_LIMIT, Limit, Micros, UInt64, newest, open_page
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import Defines, read_sql, scope
from shared.query.segments import segments_of


class Key(NamedTuple):
    """What an event is told apart by, in the order of the list; `user_hash` is of whose it is."""

    timestamp: Micros
    event_id: uuid.UUID
    event: str
    user_hash: UInt64


class EventsQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks; without `from` the range begins in 1970, without `to` it ends 24 hours from now."""

    start: str = ""
    end: str = ""
    events: list[str] = []
    users: list[str] = []
    user_id: str = ""
    filters: list[Filter] = []
    timezone: str | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""

    def conditions(self) -> list[Filter]:
        """The filters, with those that the users stand for."""
        found = list(self.filters)
        if self.users:
            found.append(Filter("user_id", "in", list(self.users)))
        if self.user_id:
            found.append(Filter("user_id", "eq", self.user_id))
        return found


class StoredEvent(msgspec.Struct, frozen=True):
    """An event as it is stored: `properties` and `context` byte for byte, null where a column is empty."""

    event_id: str
    event: str
    timestamp: str
    received_at: str
    sent_at: str | None
    user_id: str | None
    anonymous_id: str | None
    session_id: str | None
    client_id: str | None
    batch_id: str
    properties: msgspec.Raw
    context: msgspec.Raw
    url: str | None
    hostname: str | None
    path: str | None
    referrer: str | None
    referrer_domain: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    channel: str | None
    browser: str | None
    browser_version: str | None
    os: str | None
    os_version: str | None
    device: str | None
    country: str | None
    ip: str | None
    bot: bool
    bot_reason: str | None
    library: str | None
    library_version: str | None
    revenue: float | None
    currency: str | None
    lookups: dict[str, str]


class EventsAnswer(msgspec.Struct, frozen=True):
    """A page of events, the newest first; `next_cursor` is null on the last page."""

    items: list[StoredEvent]
    next_cursor: str | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]


def to_sql(
    query: EventsQuery, project_id: uuid.UUID, period: Period, after: Key | None, identity: Defines | None = None
) -> tuple[str, dict[str, Any]]:
    """The SQL of one page and one row more, and its bound parameters; refuses unknown fields and unfit filters.

    `identity` says who is who and who is in which segment, where the filters ask.
    """
    parameters = Parameters()
    filters = query.conditions()
    if identity is None and any(one.property == PERSON for one in filters):
        identity = Identity(project_id)
    wanted = scope(project_id, period, parameters, events=query.events, filters=filters, identity=identity)
    if after is not None:
        wanted += f"\n    AND {_after(after, parameters)}"
    sql = read_sql(
        Path(__file__).parent,
        "events",
        scope=wanted,
        limit=parameters.bind("UInt32", query.limit + 1),
    )
    return sql, parameters.values


def _after(key: Key, parameters: Parameters) -> str:
    bound = [
        parameters.bind("DateTime64(6, 'UTC')", str(to_datetime(key.timestamp).replace(tzinfo=None))),
        parameters.bind("UUID", str(key.event_id)),
        parameters.bind("String", key.event),
        parameters.bind("UInt64", key.user_hash),
    ]
    return f"(timestamp, event_id, event, cityHash64(user_key)) < ({', '.join(bound)})"


async def latest(query: EventsQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock) -> EventsAnswer:
    """Answer one page exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    asker = Asker(warehouse, function="query_events", project_id=project_id)
    page = open_page(query, Key, listed="events", project_id=project_id, now=to_datetime(clock.micros()))
    who = await segments_of(project_id, query.conditions(), [], asker, clock)

    async def ask(window: Period) -> Sequence[tuple[Any, ...]]:
        return (await asker.ask(*to_sql(query, project_id, window, page.after, who))).rows

    rows = await newest(_until(page.period, page.after), query.limit + 1, ask)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return EventsAnswer(
        items=[_event(row, page.period.zone) for row in shown],
        next_cursor=page.cursor(_key(shown[-1])) if more else None,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=page.period.echo(),
    )


def _until(period: Period, after: Key | None) -> Period:
    """The part of a range in which the rest of the list is: nothing later than where the last page ended."""
    if after is None:
        return period
    return msgspec.structs.replace(
        period, end=min(period.end, to_datetime(after.timestamp) + timedelta(microseconds=1))
    )


def _key(row: Sequence[Any]) -> Key:
    event_id, event, micros = row[:3]
    return Key(micros, uuid.UUID(event_id), event, row[-1])


def _event(row: Sequence[Any], zone: ZoneInfo) -> StoredEvent:
    cells = dict(zip(StoredEvent.__struct_fields__, row[:-1], strict=True))
    for name, value in cells.items():
        if name in {"timestamp", "received_at", "sent_at"} and value is not None:
            cells[name] = to_datetime(value).astimezone(zone).isoformat(timespec="microseconds")
        elif name in {"properties", "context"}:
            cells[name] = msgspec.Raw(value.encode())
        elif value == "":
            cells[name] = None
    return StoredEvent(**cells)

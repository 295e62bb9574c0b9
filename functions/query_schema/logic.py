"""Questions about what there is to ask for → their SQL → event names, properties with their types, values."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.fields import COLUMNS, LOOKUP_PREFIX, PROPERTY_PREFIX, Field, field
from shared.query.json_types import json_types
from shared.query.pages import DEFAULT_LIMIT, Limit, Page, UInt64, open_page
from shared.query.parameters import Parameters
from shared.query.scope import read_sql, scope
from shared.refusals import Refusal, Rejected

DEFAULT_DAYS = 30
MAX_EXAMPLES = 3
MAX_EXAMPLE_BYTES = 200


class Key(NamedTuple):
    """Where an entry stands: by how often it is there, then by its beginning; the hash tells long ones apart."""

    hits: UInt64
    beginning: str
    text_hash: UInt64


class NamesQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks: entries that begin like `q` in any case; without a range those of the last 30 days."""

    start: str = ""
    end: str = ""
    timezone: str | None = None
    q: str = ""
    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""


class PropertiesQuery(NamesQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same of the properties of these events; of all where none is named."""

    event: str = ""
    events: list[str] = []

    @property
    def names(self) -> list[str]:
        """The event names wanted, however they were given."""
        return [*self.events, self.event] if self.event else self.events


class ValuesQuery(PropertiesQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same of the values of one column, property (`properties.` may be left out) or looked-up attribute."""

    property: str


class EventName(msgspec.Struct, frozen=True):
    """An event name: how many events have it, when the first and the last one of the range happened."""

    event: str
    count: int
    first_seen: str
    last_seen: str


class Property(msgspec.Struct, frozen=True):
    """A path in the properties: how many events have a value there, of which types, and some of them.

    Where `queryable` is false no filter can name it: it has an empty part, a control character or is too long.
    """

    property: str
    count: int
    types: dict[str, int]
    examples: list[msgspec.Raw]
    queryable: bool


class Value(msgspec.Struct, frozen=True):
    """A value as text, and how many events have it."""

    value: str
    count: int


ItemT = TypeVar("ItemT")


class SchemaAnswer(msgspec.Struct, Generic[ItemT], frozen=True):
    """A page of entries, the most frequent first; `next_cursor` is null on the last page. Counts are exact."""

    items: list[ItemT]
    next_cursor: str | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]


class _Pages:
    """What the three lists have in common: one statement, its page, its place in the list."""

    def __init__(
        self, query: NamesQuery, listed: str, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock
    ) -> None:
        now = to_datetime(clock.micros())
        self._query = query
        self._project_id = project_id
        self._page: Page[Key] = open_page(
            query, Key, listed=f"schema/{listed}", project_id=project_id, now=now, days=DEFAULT_DAYS
        )
        self.asker = Asker(warehouse, function="query_schema", project_id=project_id)

    @property
    def zone(self) -> ZoneInfo:
        return self._page.period.zone

    def scope(self, parameters: Parameters, events: Sequence[str] = ()) -> str:
        return scope(self._project_id, self._page.period, parameters, events=events)

    async def rows(self, name: str, parameters: Parameters, **parts: str) -> list[tuple[Any, ...]]:
        """The entries of the page and one more."""
        sql = read_sql(
            Path(__file__).parent,
            name,
            after=_after(self._page.after, parameters),
            limit=parameters.bind("UInt32", self._query.limit + 1),
            **parts,
        )
        return (await self.asker.ask(sql, parameters.values)).rows

    def answer(self, rows: Sequence[tuple[Any, ...]], items: list[ItemT]) -> SchemaAnswer[ItemT]:
        more = len(rows) > self._query.limit
        last = rows[self._query.limit - 1] if more else ()
        return SchemaAnswer(
            items=items,
            next_cursor=self._page.cursor(Key(last[1], *last[-2:])) if more else None,
            exact=True,
            took_ms=self.asker.took_ms,
            rows_read=self.asker.rows_read,
            range=self._page.period.echo(),
        )


def _after(key: Key | None, parameters: Parameters) -> str:
    if key is None:
        return "1"
    hits = parameters.bind("UInt64", key.hits)
    place = f"({parameters.bind('String', key.beginning)}, {parameters.bind('UInt64', key.text_hash)})"
    return f"(hits < {hits} OR (hits = {hits} AND (substringUTF8(name, 1, 100), cityHash64(name)) > {place}))"


def _prefix(sql: str, text: str, parameters: Parameters) -> str:
    return f"startsWith(lowerUTF8({sql}), lowerUTF8({parameters.bind('String', text)}))" if text else "1"


async def events(
    query: NamesQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock
) -> SchemaAnswer[EventName]:
    """The event names of a range; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    pages = _Pages(query, "events", project_id, warehouse, clock)
    parameters = Parameters()
    where = f"{pages.scope(parameters)}\n    AND {_prefix('event', query.q, parameters)}"
    rows = await pages.rows("events", parameters, scope=where)
    items = [
        EventName(name, hits, _moment(first, pages.zone), _moment(last, pages.zone))
        for name, hits, first, last, *_ in rows[: query.limit]
    ]
    return pages.answer(rows, items)


async def properties(
    query: PropertiesQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock
) -> SchemaAnswer[Property]:
    """The properties of events, their types, counts and some values; raises as `events` does."""
    pages = _Pages(query, "properties", project_id, warehouse, clock)
    parameters = Parameters()
    where = pages.scope(parameters, query.names)
    prefix = _prefix("name", query.q.removeprefix(PROPERTY_PREFIX), parameters)
    rows = await pages.rows("properties", parameters, scope=where, prefix=prefix)
    shown = rows[: query.limit]
    examples = await _examples([row[0] for row in shown], pages, query.names)
    items = [
        Property(
            property=name,
            count=hits,
            types=json_types(types),
            examples=list(map(msgspec.Raw, map(str.encode, examples.get(name, [])))),
            queryable=name in examples,
        )
        for name, hits, types, *_ in shown
    ]
    return pages.answer(rows, items)


async def _examples(names: Sequence[str], pages: _Pages, wanted: Sequence[str]) -> dict[str, list[str]]:
    """Some values of each property, as JSON texts; a property that no query can name is left out.

    The first events have values of most properties; only for the others all are looked at, which costs 20 times more.
    """
    missing = {name: sql for name in names if (sql := _example_sql(name)) is not None}
    found: dict[str, list[str]] = {name: [] for name in missing}
    for statement in ("first_examples", "examples"):
        if missing:
            parameters = Parameters()
            parts = {"scope": pages.scope(parameters, wanted), "examples": ",\n    ".join(missing.values())}
            sql = read_sql(Path(__file__).parent, statement, **parts)
            for row in (await pages.asker.ask(sql, parameters.values)).rows:
                found.update({name: sorted(values) for name, values in zip(missing, row, strict=True)})
            missing = {name: sql for name, sql in missing.items() if not found[name]}
    return found


def _example_sql(name: str) -> str | None:
    try:
        named = field(PROPERTY_PREFIX + name)
    except Rejected:
        return None
    text = f"toJSONString({named.json})"
    return f"groupUniqArrayIf({MAX_EXAMPLES})({text}, {named.present} AND length({text}) <= {MAX_EXAMPLE_BYTES})"


async def values(query: ValuesQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock) -> SchemaAnswer[Value]:
    """The values of a property; refuses what is no field (`unknown_field`), raises as `events` does else."""
    pages = _Pages(query, "values", project_id, warehouse, clock)
    named = _named(query.property)
    parameters = Parameters()
    where = pages.scope(parameters, query.names)
    prefix = _prefix(named.text, query.q, parameters)
    rows = await pages.rows("values", parameters, scope=where, text=named.text, present=named.present, prefix=prefix)
    return pages.answer(rows, [Value(name, hits) for name, hits, *_ in rows[: query.limit]])


def _named(name: str) -> Field:
    if not name:
        raise Rejected(Refusal.BAD_REQUEST, "`property` names what the values are of")
    known = name in COLUMNS or name.startswith((PROPERTY_PREFIX, LOOKUP_PREFIX))
    return field(name if known else PROPERTY_PREFIX + name)


def _moment(micros: int, zone: ZoneInfo) -> str:
    return to_datetime(micros).astimezone(zone).isoformat(timespec="microseconds")

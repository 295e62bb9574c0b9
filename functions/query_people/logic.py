"""A search for people → its SQL → a page of them."""

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.fields import PERSON, Field
from shared.query.filters import MAX_FILTERS, Filter, condition
from shared.query.identity import Identity, look
from shared.query.pages import DEFAULT_LIMIT, Limit, open_page
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.profiles import PROFILE_PREFIX, field_of_json, profile_sql, property_of
from shared.query.scope import read_sql, scope
from shared.refusals import Refusal, Rejected

MOST_COLUMNS = 20
MOST_DID = 10
MOST_EXPORTED = 50_000
_MOST_NAMES = 10_000
_SHOWN_NAMES = 20
_HERE = Path(__file__).parent

Sort = Literal["last_seen", "first_seen", "events", "revenue", "person"]
Value = str | int | float

_SORTED_BY: dict[Sort, tuple[str, str]] = {
    "last_seen": ("toUnixTimestamp64Micro(people.last_seen)", "Int64"),
    "first_seen": ("toUnixTimestamp64Micro(people.first_seen)", "Int64"),
    "events": ("people.events", "UInt64"),
    "revenue": ("people.revenue", "Float64"),
    "person": ("people.person", "String"),
}
_TRAITS = {
    PERSON: Field(PERSON, "people.person", "NULL", "notEmpty(people.person)"),
    **{
        name: Field(name, text, "NULL", f"notEmpty({text})")
        for name in ("first_seen", "last_seen")
        for text in [f"replaceOne(toString(people.{name}), ' ', 'T')"]
    },
    **{
        name: Field(name, f"toString(people.{name})", f"toFloat64(people.{name})", "true")
        for name in ("events", "revenue")
    },
}


class Did(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """Something people did at least, at most or exactly so many times; without a range whenever."""

    event: str
    op: Literal["gte", "lte", "eq"] = "gte"
    times: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 1
    start: str = ""
    end: str = ""
    filters: list[Filter] = []


class ExportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which people, with which properties of their profiles (`profile.<name>`), in which order.

    `filters` are on `person`, `first_seen`, `last_seen`, `events`, `revenue` and `profile.<name>`; `q` is a part of an
    id, or of the properties `name` and `email`.
    """

    q: Annotated[str, msgspec.Meta(max_length=200)] = ""
    filters: list[Filter] = []
    did: list[Did] = []
    columns: list[str] = []
    sort: Sort = "last_seen"
    order: Literal["desc", "asc"] = "desc"
    timezone: str | None = None


class PeopleQuery(ExportQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same, page by page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""

    start = ""
    end = ""


class FoundPerson(msgspec.Struct, frozen=True):
    """One person: `profile` has the properties asked for, null where they have none."""

    person: str
    first_seen: str
    last_seen: str
    events: int
    revenue: float
    profile: dict[str, Any]


class PeopleAnswer(msgspec.Struct, frozen=True):
    """A page of people; `next_cursor` is null on the last page. `identity` is the version of who is who."""

    items: list[FoundPerson]
    next_cursor: str | None
    identity: int | None
    exact: bool
    took_ms: float
    rows_read: int


class ProfilePropertiesAnswer(msgspec.Struct, frozen=True):
    """The names of properties of profiles, as filters and columns take them (`profile.<name>`), at most 10,000."""

    properties: list[str]


class Table(NamedTuple):
    """People as rows of texts, the names of the columns first."""

    columns: list[str]
    people: list[FoundPerson]


class Key(NamedTuple):
    """What a person is told apart by, in the order of the list."""

    value: Value
    person: str


class Statement:
    """The SQL of one search: which properties it names, and how each is found."""

    def __init__(self, query: ExportQuery, identity: Identity, period: Period) -> None:
        """Refuses what cannot be asked (`unknown_field`, `bad_filter`, `bad_request`)."""
        if len(query.columns) > MOST_COLUMNS or len(query.did) > MOST_DID or len(query.filters) > MAX_FILTERS:
            raise Rejected(
                Refusal.BAD_REQUEST,
                f"at most {MOST_COLUMNS} `columns`, {MOST_DID} things people `did` and {MAX_FILTERS} `filters`",
            )
        self._query = query
        self._identity = identity
        self._period = period
        self.shown = [property_of(name) for name in query.columns]
        filtered = [one.property for one in query.filters if one.property not in _TRAITS]
        self.named = list(dict.fromkeys([*self.shown, *map(_property, filtered)]))
        self._searched = ["name", "email"] if query.q else []
        self._places = {name: place for place, name in enumerate(dict.fromkeys([*self.named, *self._searched]))}

    def sql(self, limit: int, after: Key | None) -> tuple[str, dict[str, Any]]:
        """The SQL of the people after a key and its bound values."""
        parameters = Parameters()
        doing = [_done(one, self._period, parameters) for one in self._query.did]
        column, kind = _SORTED_BY[self._query.sort]
        way = "DESC" if self._query.order == "desc" else "ASC"
        conditions = ["people.person != ''", *self._conditions(parameters)]
        if after is not None:
            beyond = "<" if self._query.order == "desc" else ">"
            bound = f"{parameters.bind(kind, after.value)}, {parameters.bind('String', after.person)}"
            conditions.append(f"({column}, people.person) {beyond} ({bound})")
        sql = read_sql(
            _HERE,
            "people",
            scope=scope(self._identity.project_id, self._period, parameters),
            person=self._identity.person(parameters),
            columns="".join(f",\n    {self._json(name)}" for name in self.shown),
            doing="".join(f",\n            {one} AS doing_{place}" for place, one in enumerate(doing)),
            did="".join(f",\n        sum(doing_{place}) AS did_{place}" for place in range(len(doing))),
            joins="".join(self._joins(parameters)),
            conditions="\n    AND ".join(conditions),
            order=f"{column} {way}, people.person {way}",
            limit=parameters.bind("UInt32", limit),
        )
        return sql, parameters.values

    def _conditions(self, parameters: Parameters) -> Iterator[str]:
        for wanted in self._query.filters:
            yield condition(wanted, parameters, self._field)
        signs = {"gte": ">=", "lte": "<=", "eq": "="}
        for place, one in enumerate(self._query.did):
            yield f"people.did_{place} {signs[one.op]} {parameters.bind('UInt64', one.times)}"
        if self._query.q:
            wanted_text = parameters.bind("String", self._query.q)
            texts = ["substring(people.person, 3)", *map(self._json, self._searched)]
            yield f"({' OR '.join(f'positionCaseInsensitiveUTF8({text}, {wanted_text}) > 0' for text in texts)})"

    def _joins(self, parameters: Parameters) -> Iterator[str]:
        for name, place in self._places.items():
            values = profile_sql(self._identity, name, parameters)
            yield f"\nLEFT ANY JOIN\n(\n{values}\n) AS profile_{place} ON people.person = profile_{place}.person"

    def _field(self, name: str) -> Field:
        return _TRAITS[name] if name in _TRAITS else field_of_json(name, self._json(property_of(name)))

    def _json(self, name: str) -> str:
        return f"profile_{self._places[name]}.value"


async def search(query: PeopleQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock) -> PeopleAnswer:
    """One page of people; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    asker = Asker(warehouse, function="query_people", project_id=project_id)
    page = open_page(query, Key, listed="people", project_id=project_id, now=to_datetime(clock.micros()))
    identity = await look(project_id, asker)
    statement = Statement(query, identity, page.period)
    await _check_names(statement.named, project_id, asker)
    rows = (await asker.ask(*statement.sql(query.limit + 1, page.after))).rows
    items = [_found(row, statement.shown, page.period) for row in rows[: query.limit]]
    last = rows[query.limit - 1] if len(rows) > query.limit else None
    return PeopleAnswer(
        items=items,
        next_cursor=None if last is None else page.cursor(_key(last, query.sort)),
        identity=identity.version,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
    )


async def table(query: ExportQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock) -> Table:
    """All people of a search at once; refuses more than MOST_EXPORTED (`query_too_expensive`), raises as `search`."""
    asker = Asker(warehouse, function="query_people", project_id=project_id)
    asked = msgspec.convert(msgspec.to_builtins(query), PeopleQuery)
    period = open_page(asked, Key, listed="people", project_id=project_id, now=to_datetime(clock.micros())).period
    statement = Statement(query, await look(project_id, asker), period)
    await _check_names(statement.named, project_id, asker)
    rows = (await asker.ask(*statement.sql(MOST_EXPORTED + 1, None))).rows
    if len(rows) > MOST_EXPORTED:
        raise Rejected(
            Refusal.QUERY_TOO_EXPENSIVE,
            f"there are more than {MOST_EXPORTED:,} people: narrow it by `filters` or `did`",
        )
    return Table(statement.shown, [_found(row, statement.shown, period) for row in rows])


def _done(did: Did, period: Period, parameters: Parameters) -> str:
    """How many times the events of one key were what people are asked to have done."""
    if any(one.property == PERSON for one in did.filters):
        raise Rejected(Refusal.UNKNOWN_FIELD, "`person` is no filter of what people `did`; put it into `filters`")
    parts = [f"event = {parameters.bind('String', did.event)}"]
    if did.start or did.end:
        within = parse_period(did.start or "1970-01-01", did.end or "2149-06-05", period.zone.key)
        for sign, moment in ((">=", within.start), ("<", within.end)):
            bound = parameters.bind("DateTime64(6, 'UTC')", str(moment.replace(tzinfo=None)))
            parts.append(f"timestamp {sign} {bound}")
    parts += [condition(one, parameters) for one in did.filters]
    return f"countIf({' AND '.join(parts)})"


def _property(name: str) -> str:
    if not name.startswith(PROFILE_PREFIX):
        raise Rejected(
            Refusal.UNKNOWN_FIELD,
            f"{name!r}: people are filtered by {', '.join(_TRAITS)} and {PROFILE_PREFIX}<name>; what they did is `did`",
        )
    return property_of(name)


async def properties(project_id: uuid.UUID, warehouse: Warehouse) -> ProfilePropertiesAnswer:
    """All properties that profiles ever had; raises UnavailableError where nobody answers."""
    asker = Asker(warehouse, function="query_people", project_id=project_id)
    return ProfilePropertiesAnswer([PROFILE_PREFIX + name for name in await _names(project_id, asker)])


async def _names(project_id: uuid.UUID, asker: Asker) -> list[str]:
    parameters = Parameters()
    project, most = parameters.bind("UUID", str(project_id)), parameters.bind("UInt32", _MOST_NAMES)
    rows = (await asker.ask(read_sql(_HERE, "properties", project=project, most=most), parameters.values)).rows
    return [str(name) for (name,) in rows]


async def _check_names(names: Sequence[str], project_id: uuid.UUID, asker: Asker) -> None:
    """Refuse a property that no profile ever had: it is more likely misspelt than wanted."""
    if not names:
        return
    known = await _names(project_id, asker)
    for name in names:
        if name not in known and len(known) < _MOST_NAMES:
            listed = ", ".join(PROFILE_PREFIX + one for one in known[:_SHOWN_NAMES]) or "none yet"
            raise Rejected(Refusal.UNKNOWN_FIELD, f"no profile has {PROFILE_PREFIX}{name}; known are {listed}")


def _found(row: Sequence[Any], shown: Sequence[str], period: Period) -> FoundPerson:
    person, first, last, events, revenue, *values = row
    first_seen, last_seen = (
        to_datetime(micros).astimezone(period.zone).isoformat(timespec="microseconds") for micros in (first, last)
    )
    profile = {name: msgspec.json.decode(value) if value else None for name, value in zip(shown, values, strict=True)}
    return FoundPerson(person, first_seen, last_seen, int(events), float(revenue), profile)


def _key(row: Sequence[Any], sort: Sort) -> Key:
    person, first, last, events, revenue = row[:5]
    values: dict[Sort, Value] = {
        "last_seen": last,
        "first_seen": first,
        "events": events,
        "revenue": revenue,
        "person": person,
    }
    return Key(values[sort], person)

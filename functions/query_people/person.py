"""One person: ids, profile, what is computed of them, and how all of that came to be."""

import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from functions.query_people.merges import Merge, merges_of
from shared.clock import to_datetime
from shared.profiles import Change, folded
from shared.query.ask import Asker, Warehouse
from shared.query.parameters import Parameters
from shared.query.period import zone_of
from shared.query.relatives import Person, Relatives
from shared.query.scope import read_sql
from shared.query.zone import project_timezone
from shared.refusals import Refusal, Rejected

_MOST_EVENTS = 100
_MOST_HISTORY = 100_000
_SHOWN_CHANGES = 500
_HERE = Path(__file__).parent

Moment = Callable[[int], str]


class PersonQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """In which timezone to say when; by default the project's."""

    timezone: str | None = None


class EventCount(msgspec.Struct, frozen=True):
    """How often somebody did something."""

    event: str
    count: int
    first: str
    last: str


class Traits(msgspec.Struct, frozen=True):
    """What is computed of a person's events, whichever id they were sent under; `revenue` is by currency ('' for none).

    `counts` has the most frequent events.
    """

    first_seen: str | None
    last_seen: str | None
    events: int
    sessions: int
    active_days: int
    revenue: dict[str, float]
    counts: list[EventCount]


class ProfileChange(msgspec.Struct, frozen=True):
    """One operation on the profile: what an event did to which property, with which value."""

    at: str
    event_id: str
    event: str
    user_key: str
    operation: str
    name: str
    value: Any


class Link(msgspec.Struct, frozen=True):
    """What an event said: `from_key` is the same person as `to_key`. It holds if no other link of it comes first."""

    at: str
    event_id: str
    event: str
    from_key: str
    to_key: str
    holds: bool


class PersonAnswer(msgspec.Struct, frozen=True):
    """A person: `keys` are all their ids; `links` and `merges` say who, when and why; newest changes first."""

    person: str
    keys: list[str]
    profile: dict[str, Any]
    traits: Traits
    links: list[Link]
    merges: list[Merge]
    history: list[ProfileChange]
    took_ms: float
    rows_read: int


async def person(query: PersonQuery, key: str, project_id: uuid.UUID, warehouse: Warehouse) -> PersonAnswer:
    """Everything about the person of a key; refuses a key that no event and no merge has (`not_found`)."""
    zone = zone_of(project_timezone.get() if query.timezone is None else query.timezone)
    asker = Asker(warehouse, function="query_people", project_id=project_id)
    who = await Relatives(project_id, asker).of(key)

    def moment(micros: int) -> str:
        return to_datetime(micros).astimezone(zone).isoformat(timespec="microseconds")

    computed = await _rows("traits", who, project_id, asker, _MOST_EVENTS + 1)
    said = await _rows("history", who, project_id, asker, _MOST_HISTORY)
    merges = await merges_of(who.keys, project_id, asker, moment)
    if not said and not merges and not (computed and computed[0][2]):
        raise Rejected(Refusal.NOT_FOUND, f"nobody has the id {key[:80]!r}")
    changes = [(row, _change(one)) for row in said for one in row[6]]
    return PersonAnswer(
        person=who.person,
        keys=list(who.keys),
        profile=folded(change for _, change in changes),
        traits=_traits(computed, moment),
        links=_links(said, who, moment),
        merges=merges,
        history=[_shown(row, change, moment) for row, change in reversed(changes[-_SHOWN_CHANGES:])],
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
    )


async def _rows(
    statement: str, who: Person, project_id: uuid.UUID, asker: Asker, most: int
) -> Sequence[tuple[Any, ...]]:
    parameters = Parameters()
    sql = read_sql(
        _HERE,
        statement,
        project=parameters.bind("UUID", str(project_id)),
        keys=parameters.bind("Array(String)", list(who.keys)),
        most=parameters.bind("UInt32", most),
    )
    return (await asker.ask(sql, parameters.values)).rows


def _traits(rows: Sequence[tuple[Any, ...]], moment: Moment) -> Traits:
    if not rows or not rows[0][2]:
        return Traits(None, None, 0, 0, 0, {}, [])
    _, _, events, first, last, sessions, days, revenue = rows[0]
    return Traits(
        first_seen=moment(first),
        last_seen=moment(last),
        events=events,
        sessions=sessions,
        active_days=days,
        revenue={str(currency): float(amount) for currency, amount in revenue},
        counts=[EventCount(row[0], row[2], moment(row[3]), moment(row[4])) for row in rows[1:]],
    )


def _links(said: Sequence[tuple[Any, ...]], who: Person, moment: Moment) -> list[Link]:
    """A link holds where it is the first of its key, and no merge says otherwise."""
    found, first = [], set[str]()
    for micros, event_id, event, _, from_keys, to_key, _ in said:
        for from_key in from_keys:
            if from_key != to_key:
                holds = who.linked.get(from_key) == to_key and from_key not in first
                first.update([from_key] if holds else [])
                found.append(Link(moment(micros), event_id, event, from_key, to_key, holds))
    return found


def _shown(row: tuple[Any, ...], change: Change, moment: Moment) -> ProfileChange:
    value = msgspec.json.decode(change.value) if change.value else None
    return ProfileChange(moment(row[0]), row[1], row[2], row[3], change.operation, change.name, value)


def _change(given: Any) -> Change:
    """An operation as the warehouse's client gives it: by name, or by place."""
    return Change(**given) if isinstance(given, dict) else Change(*given)

"""A person's sessions, computed from their events."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.pages import DEFAULT_LIMIT, Limit, Micros, open_page
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.relatives import Relatives
from shared.query.scope import read_sql, scope
from shared.query.sessions import LONGEST_SECONDS, USUAL_GAP

_HERE = Path(__file__).parent


class Key(NamedTuple):
    """What a session of a person is told apart by, in the order of the list."""

    started: Micros
    session_id: str


class SessionsQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """Which of them; `gap` is how many seconds without an event end a session without a client's id.

    By default it is the project's.
    """

    start: str = ""
    end: str = ""
    gap: Annotated[int, msgspec.Meta(ge=1, le=86_400)] | None = None
    timezone: str | None = None
    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""


class PersonSession(msgspec.Struct, frozen=True):
    """One session: `session_id` is the client's, null of those without one; `active` are seconds, by whole minutes."""

    session_id: str | None
    started: str
    ended: str
    seconds: float
    events: int
    active: int
    bounced: bool
    entry_page: str | None
    exit_page: str | None


class SessionsAnswer(msgspec.Struct, frozen=True):
    """A page of the sessions of `person`, the newest first; `next_cursor` is null on the last page."""

    person: str
    items: list[PersonSession]
    next_cursor: str | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]


class _OfOne(SessionsQuery, frozen=True, kw_only=True):
    """A cursor belongs to one person."""

    of: str = ""


async def sessions(
    query: SessionsQuery, key: str, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock, *, gap: int = USUAL_GAP
) -> SessionsAnswer:
    """One page of what the events in the range make; `gap` is the project's in seconds.

    Raises Rejected and UnavailableError as every query does.
    """
    asker = Asker(warehouse, function="query_people", project_id=project_id)
    who = await Relatives(project_id, asker).of(key)
    bound = msgspec.convert({**msgspec.to_builtins(query), "of": key}, _OfOne)
    page = open_page(bound, Key, listed="sessions", project_id=project_id, now=to_datetime(clock.micros()))
    parameters = Parameters()
    sql = read_sql(
        _HERE,
        "sessions",
        scope=scope(project_id, page.period, parameters),
        keys=parameters.bind("Array(String)", list(who.keys)),
        gap=parameters.bind("UInt32", gap if query.gap is None else query.gap),
        longest=str(LONGEST_SECONDS),
        after="true" if page.after is None else _after(page.after, parameters),
        limit=parameters.bind("UInt32", query.limit + 1),
    )
    rows = (await asker.ask(sql, parameters.values)).rows
    shown = rows[: query.limit]
    return SessionsAnswer(
        person=who.person,
        items=[_session(row, page.period) for row in shown],
        next_cursor=page.cursor(Key(shown[-1][1], shown[-1][0])) if len(rows) > query.limit else None,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=page.period.echo(),
    )


def _after(key: Key, parameters: Parameters) -> str:
    bound = f"{parameters.bind('Int64', key.started)}, {parameters.bind('String', key.session_id)}"
    return f"(started, session_id) < ({bound})"


def _session(row: Sequence[Any], period: Period) -> PersonSession:
    session_id, started, ended, events, active, entry, last = row
    first_at, last_at = (
        to_datetime(micros).astimezone(period.zone).isoformat(timespec="microseconds") for micros in (started, ended)
    )
    return PersonSession(
        session_id=session_id or None,
        started=first_at,
        ended=last_at,
        seconds=(ended - started) / 1_000_000,
        events=events,
        active=active,
        bounced=events == 1,
        entry_page=entry or None,
        exit_page=last or None,
    )

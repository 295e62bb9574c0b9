"""The people behind a number of sessions."""

import uuid
from collections.abc import Iterator
from pathlib import Path

from functions.query_sessions.asked import SessionPeopleQuery, gap_of
from functions.query_sessions.fields import keys_sql
from functions.query_sessions.logic import FUNCTION, find
from shared.clock import Clock
from shared.query.ask import Asker, Warehouse
from shared.query.behind import PeopleBehind, is_key, page_of, page_parts
from shared.query.buckets import cut
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.scope import read_sql
from shared.query.sessions import WantedSessions

_HERE = Path(__file__).parent


async def people(
    query: SessionPeopleQuery, project_id: uuid.UUID, gap: int, warehouse: Warehouse, clock: Clock
) -> PeopleBehind:
    """A page of them; `gap` is the project's in seconds. Refuses what the figures refuse, and what names no number.

    Sessions of nobody, of which only a client's session_id is known, have no person.
    """
    query.check()
    period = parse_period(query.start, query.end, query.timezone)
    asker = Asker(warehouse, function=FUNCTION, project_id=project_id)
    wanted = WantedSessions(project_id, period, gap_of(query.gap, gap), events=query.events)
    found = await find(wanted, query.filters, query.fields(), asker, clock)
    parameters = Parameters()
    sessions = found.sessions.sql(parameters)
    sql = read_sql(
        _HERE,
        "people",
        sessions=sessions,
        conditions="\n    AND ".join([found.conditions(parameters), *_only(query, period, parameters)]),
        **page_parts(query, parameters),
    )
    return page_of(query, (await asker.ask(sql, parameters.values, found.version)).rows, period.echo())


def _only(query: SessionPeopleQuery, period: Period, parameters: Parameters) -> Iterator[str]:
    """Conditions on a session's own columns."""
    for key, named in zip(keys_sql(query.fields()), query.group, strict=False):  # a group is of all fields or of none
        yield is_key(key, named, parameters)
    if query.time is not None:
        buckets = cut(period, query.interval or "day")
        number = parameters.bind("UInt16", buckets.number_of(query.time, "time"))
        yield f"{buckets.number_sql(parameters)} = {number}"
    if query.took is not None:
        least, below = query.took
        yield f"seconds >= {parameters.bind('Int64', least)}"
        if below is not None:
            yield f"seconds < {parameters.bind('Int64', below)}"
    if query.bounced is not None:
        yield "number = 1" if query.bounced else "number > 1"

"""A page of a project's sessions, the newest first."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from functions.query_sessions.asked import SHOWN, SessionItem, SessionListAnswer, SessionListQuery, gap_of
from functions.query_sessions.fields import keys_sql
from functions.query_sessions.logic import FUNCTION, Found, find
from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.pages import Micros, Page, UInt64, open_page
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.query.sessions import LONGEST_SECONDS, WantedSessions

_DAYS = 30


class Key(NamedTuple):
    """What a session is told apart by, in the order of the list."""

    began: Micros
    first_id: uuid.UUID
    hash: UInt64


def list_sql(query: SessionListQuery, found: Found, after: Key | None) -> tuple[str, dict[str, Any]]:
    """The SQL of one page and one row more, and its bound parameters."""
    parameters = Parameters()
    sessions = found.sessions.sql(parameters)
    conditions = found.conditions(parameters)
    if after is not None:
        bound = [
            parameters.bind("Int64", after.began),
            parameters.bind("String", str(after.first_id)),
            parameters.bind("UInt64", after.hash),
        ]
        conditions += f" AND (began, id, hash) < ({', '.join(bound)})"
    sql = read_sql(
        Path(__file__).parent,
        "list",
        fields=", ".join(f"{key} AS {name}" for key, name in zip(keys_sql(SHOWN), SHOWN, strict=True)),
        sessions=sessions,
        conditions=conditions,
        limit=parameters.bind("UInt32", query.limit + 1),
    )
    return sql, parameters.values


async def latest(
    query: SessionListQuery, project_id: uuid.UUID, gap: int, warehouse: Warehouse, clock: Clock
) -> SessionListAnswer:
    """Answer one page exactly; `gap` is the project's in seconds. Raises Rejected and UnavailableError."""
    gap = gap_of(query.gap, gap)
    now = clock.micros()
    page: Page[Key] = open_page(query, Key, listed="sessions", project_id=project_id, now=to_datetime(now), days=_DAYS)
    period = page.period
    if page.after is not None:
        period = msgspec.structs.replace(
            period, end=min(period.end, to_datetime(page.after.began) + timedelta(microseconds=1))
        )
    asker = Asker(warehouse, function=FUNCTION, project_id=project_id)
    wanted = WantedSessions(project_id, period, gap, events=query.events)
    found = await find(wanted, query.filters, SHOWN, asker, clock)
    rows = (await asker.ask(*list_sql(query, found, page.after), found.version)).rows
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    return SessionListAnswer(
        items=[_item(row, period.zone, gap, now) for row in shown],
        next_cursor=page.cursor(Key(shown[-1][1], uuid.UUID(shown[-1][0]), shown[-1][-1])) if more else None,
        gap_seconds=gap,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=page.period.echo(),
        plan=found.plan.reached(asker),
    )


def _item(row: Sequence[Any], zone: ZoneInfo, gap: int, now: int) -> SessionItem:
    first_id, began, ended, person, session_id, seconds, active, events, entry, exit_page = row[:10]
    pause = (LONGEST_SECONDS if session_id else gap) * 1_000_000
    return SessionItem(
        id=first_id,
        person=person or None,
        session_id=session_id or None,
        started=_local(began, zone),
        ended=_local(ended, zone),
        open=ended + pause >= now,
        duration=seconds,
        active=active,
        events=events,
        bounced=events == 1,
        entry_page=entry or None,
        exit_page=exit_page or None,
        **dict(zip(SHOWN, row[10:-1], strict=True)),
    )


def _local(micros: int, zone: ZoneInfo) -> str:
    return to_datetime(micros).astimezone(zone).isoformat(timespec="microseconds")

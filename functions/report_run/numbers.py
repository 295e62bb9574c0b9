"""The numbers of a report: exact counts of its days beside those of the days before and a week earlier."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from functions.report_run.asked import ReportRequest
from shared.query.ask import Asker
from shared.query.identity import look
from shared.query.measures import measure
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, scope

MOST_ROWS = 10
_WEEK = 7
_HERE = Path(__file__).parent


class Totals(msgspec.Struct, frozen=True):
    """What a range had. Users are people: all ids that are linked are one."""

    events: int
    users: int
    sessions: int


class Changes(msgspec.Struct, frozen=True):
    """How a range compares with an earlier one: 0.25 is a quarter more, null where the earlier one had nothing."""

    range: dict[str, str]
    totals: Totals
    events: float | None
    users: float | None
    sessions: float | None


class EventRow(msgspec.Struct, frozen=True):
    """One event by name; `change` compares with the days before, null where it did not come then."""

    name: str
    count: int
    before: int
    change: float | None


class Numbers(msgspec.Struct, frozen=True):
    """A report's numbers; `rows` are the most frequent events, `other` is how many all the others are together.

    `before` is the same number of days right before; `week_before` the same weekday, null in a weekly report.
    """

    range: dict[str, str]
    totals: Totals
    before: Changes
    week_before: Changes | None
    rows: list[EventRow]
    other: int


async def numbers(asked: ReportRequest, project_id: uuid.UUID, due: datetime, asker: Asker) -> Numbers:
    """Ask for the numbers of a report that is due; raises as `asker` does."""
    period, before = asked.period(due), asked.period(due, days_earlier=asked.days)
    totals = await _totals(project_id, period, asker)
    found = await _rows(project_id, period, (), asker)
    earlier = await _rows(project_id, before, list(found), asker) if found else {}
    week_before = None
    if asked.days < _WEEK:
        week_before = await _compared(project_id, totals, asked.period(due, days_earlier=_WEEK), asker)
    return Numbers(
        range=period.echo(),
        totals=totals,
        before=await _compared(project_id, totals, before, asker),
        week_before=week_before,
        rows=[
            EventRow(name, count, earlier.get(name, 0), change(count, earlier.get(name, 0)))
            for name, count in found.items()
        ],
        other=max(totals.events - sum(found.values()), 0),
    )


def change(now: int, before: int) -> float | None:
    """How much more or less it is, as a part of what it was; None where it was nothing."""
    return (now - before) / before if before else None


async def _compared(project_id: uuid.UUID, totals: Totals, earlier: Period, asker: Asker) -> Changes:
    was = await _totals(project_id, earlier, asker)
    return Changes(
        earlier.echo(),
        was,
        change(totals.events, was.events),
        change(totals.users, was.users),
        change(totals.sessions, was.sessions),
    )


async def _totals(project_id: uuid.UUID, period: Period, asker: Asker) -> Totals:
    parameters = Parameters()
    sql = read_sql(
        _HERE,
        "totals",
        events=measure("count"),
        users=measure("users"),
        sessions=measure("sessions"),
        scope=scope(project_id, period, parameters, identity=await look(project_id, asker)),
    )
    [row] = (await asker.ask(sql, parameters.values)).rows
    return Totals(*map(int, row))


async def _rows(project_id: uuid.UUID, period: Period, events: Sequence[str], asker: Asker) -> Mapping[str, int]:
    parameters = Parameters()
    where = scope(project_id, period, parameters, events=events)
    sql = read_sql(_HERE, "rows", scope=where, most=parameters.bind("UInt32", MOST_ROWS))
    return {str(name): int(count) for name, count in (await asker.ask(sql, parameters.values)).rows}

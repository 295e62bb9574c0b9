"""A question about sessions → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from functions.query_sessions.asked import (
    STEPS,
    SessionFiguresQuery,
    SessionsAnswer,
    SessionsPoint,
    SessionsRow,
    Step,
    Summary,
    gap_of,
)
from functions.query_sessions.fields import keys_sql, of_session, own_field, split
from shared.clock import SYSTEM_CLOCK, Clock, to_datetime, to_micros
from shared.query.ask import Asker, Version, Warehouse
from shared.query.buckets import MAX_POINTS, Buckets, cut
from shared.query.filters import MAX_FILTERS, Filter, condition
from shared.query.identity import look
from shared.query.parameters import Parameters
from shared.query.period import LATEST, Period, parse_period
from shared.query.scope import MAX_EVENTS, read_sql
from shared.query.segments import Segments, named_segments
from shared.query.sessions import SessionPlan, Sessions, WantedSessions, plan_sessions
from shared.refusals import Refusal, Rejected

FUNCTION = "query_sessions"
_HERE = Path(__file__).parent
_HOUR = 3_600
_BY_KEY, _BY_TIME, _TOTAL = 1, 2, 3


class Ranged(NamedTuple):
    """When, in which intervals, and what ends a session in seconds."""

    period: Period
    gap: int
    buckets: Buckets | None
    now: datetime


class Found(NamedTuple):
    """Where a question's sessions are read from, and on which conditions of their own they count."""

    sessions: Sessions
    segments: Segments
    own: Sequence[Filter]
    any_event: bool
    plan: SessionPlan
    version: Version

    def conditions(self, parameters: Parameters) -> str:
        parts = ["tupleElement(first, 1)", *self.segments.conditions(parameters)]
        parts.extend(condition(one, parameters, own_field) for one in self.own)
        return " AND ".join([*parts, "holds"] if self.any_event else parts)


async def find(
    wanted: WantedSessions, filters: Sequence[Filter], fields: Sequence[str], asker: Asker, clock: Clock
) -> Found:
    """Where to read sessions from, followed until none of them can go on.

    Refuses what cannot be asked (`bad_filter`, `unknown_field`); raises UnavailableError where nobody answers.
    """
    if len(filters) > MAX_FILTERS or len(wanted.events) > MAX_EVENTS:
        raise Rejected(Refusal.BAD_FILTER, f"at most {MAX_FILTERS} filters and {MAX_EVENTS} events")
    first, own = split(filters)
    wanted = wanted._replace(filters=first, fields=[name for name in fields if not of_session(name)])
    identity = await look(wanted.project_id, asker)
    segments = await named_segments(identity, filters, fields, asker, clock)
    last = await _last_event(wanted.project_id, asker)
    while True:
        sessions, plan, version = await plan_sessions(wanted, identity, asker)
        plan, version = segments.planned(plan), (*version, *segments.version)
        found = Found(sessions, segments, own, bool(wanted.events), plan, version)
        found.conditions(Parameters())
        end = wanted.days[1]
        if end > last or wanted.period.end >= LATEST or await _reach(sessions, found, asker) < to_micros(end):
            return found
        wanted = wanted.further()


async def _last_event(project_id: uuid.UUID, asker: Asker) -> datetime:
    """The end of the last hour that has events, as far as the ledger knows."""
    sql = read_sql(_HERE, "last_hour")
    [(hours, last)] = (await asker.ask(sql, {"project": str(project_id)}, small=True)).rows
    return to_datetime((last + _HOUR) * 1_000_000) if hours else LATEST


async def _reach(sessions: Sessions, found: Found, asker: Asker) -> int:
    parameters = Parameters()
    sql = read_sql(_HERE, "reach", sessions=sessions.sql(parameters))
    return int((await asker.ask(sql, parameters.values, found.version)).value)


def summary_sql(query: SessionFiguresQuery, found: Found, buckets: Buckets | None) -> tuple[str, dict[str, Any]]:
    """The SQL of all figures of a question, and its bound parameters."""
    parameters = Parameters()
    sessions = found.sessions.sql(parameters)
    conditions = found.conditions(parameters)
    names = query.fields()
    keys = f"[{', '.join(keys_sql(names))}]" if names else "CAST([] AS Array(Nullable(String)))"
    bucket = "toUInt16(0)" if buckets is None else buckets.number_sql(parameters)
    sets = [*(["(each_keys)"] if names else []), *(["(each_bucket)"] if buckets is not None else []), "()"]
    whole_keys = "grouping(each_keys)" if names else "1"
    whole_bucket = "grouping(each_bucket)" if buckets is not None else "1"
    sql = read_sql(
        _HERE,
        "summary",
        kind=f"multiIf({whole_keys} = 0, 1, {whole_bucket} = 0, 2, 3)",
        keys="each_keys" if names else "CAST([] AS Array(Nullable(String)))",
        bucket="each_bucket" if buckets is not None else "toUInt16(0)",
        each_keys=keys,
        each_bucket=bucket,
        steps=", ".join(_step_sql(place) for place in range(len(STEPS))),
        sessions=sessions,
        conditions=conditions,
        sets=", ".join(sets),
        most=str(MAX_POINTS),
    )
    return sql, parameters.values


def _step_sql(place: int) -> str:
    over = f" AND seconds < {STEPS[place + 1]}" if place + 1 < len(STEPS) else ""
    return f"countIf(seconds >= {STEPS[place]}{over})"


async def sessions_of(
    query: SessionFiguresQuery, project_id: uuid.UUID, gap: int, warehouse: Warehouse, clock: Clock = SYSTEM_CLOCK
) -> SessionsAnswer:
    """Answer exactly; `gap` is the project's in seconds. Raises Rejected for what cannot be asked, UnavailableError."""
    period = parse_period(query.start, query.end, query.timezone)
    gap = gap_of(query.gap, gap)
    buckets = None if query.interval is None else cut(period, query.interval)
    asker = Asker(warehouse, function=FUNCTION, project_id=project_id)
    wanted = WantedSessions(project_id, period, gap, events=query.events)
    found = await find(wanted, query.filters, query.fields(), asker, clock)
    rows: Sequence[Sequence[Any]] = []
    plan = found.plan
    if query.explain:
        plan = plan.explained(await asker.estimate(*summary_sql(query, found, buckets)))
    else:
        rows = (await asker.ask(*summary_sql(query, found, buckets), found.version)).rows
        plan = plan.reached(asker)
    return _answer(query, Ranged(period, gap, buckets, to_datetime(clock.micros())), rows, asker, plan)


def _answer(
    query: SessionFiguresQuery, ranged: Ranged, rows: Sequence[Sequence[Any]], asker: Asker, plan: SessionPlan
) -> SessionsAnswer:
    buckets = ranged.buckets
    total = next((row for row in rows if row[0] == _TOTAL), None)
    keyed = [row for row in rows if row[0] == _BY_KEY][: query.limit]
    timed = {row[2]: _summary(row) for row in rows if row[0] == _BY_TIME}
    labels = [] if buckets is None else buckets.labels()
    whole = Summary() if total is None else _summary(total)
    return SessionsAnswer(
        total=whole,
        durations=_steps([0] * len(STEPS) if total is None else total[10]),
        rows=[SessionsRow(row[1][0] if query.by_one else list(row[1]), _summary(row)) for row in keyed],
        other=whole.sessions - sum(row[3] for row in keyed) if query.fields() else 0,
        points=[SessionsPoint(label, timed.get(place, Summary())) for place, label in enumerate(labels)],
        incomplete_from=None if buckets is None else buckets.unfinished(ranged.now),
        gap_seconds=ranged.gap,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=ranged.period.echo(),
        plan=plan,
    )


def _summary(row: Sequence[Any]) -> Summary:
    sessions, people, events, bounced, duration, percentiles, active = row[3:10]
    if not sessions:
        return Summary()
    return Summary(
        sessions=sessions,
        people=people,
        events=events,
        bounced=bounced,
        bounce_rate=bounced / sessions,
        events_per_session=events / sessions,
        duration_mean=duration / sessions,
        duration_p50=percentiles[0],
        duration_p90=percentiles[1],
        duration_p95=percentiles[2],
        active_mean=active / sessions,
    )


def _steps(counts: Sequence[int]) -> list[Step]:
    ends = [*STEPS[1:], None]
    return [Step(start, end, count) for start, end, count in zip(STEPS, ends, counts, strict=True)]

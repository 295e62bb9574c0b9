"""The Overview in one answer: each panel asked of the function that answers it, with the caller's own credentials.

A panel that is refused, or whose function is away, says so in its place; the others stand.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from functions.workspace.call import Call
from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.http import JSON, PROJECT_HEADER, Reply, json_reply, problem
from shared.query.buckets import Interval
from shared.query.filters import Filter
from shared.query.period import Period, parse_period, zone_of
from shared.refusals import Refusal, Rejected, UnavailableError
from shared.saved_queries import Kind
from shared.security.policy import Action

Preset = Literal["today", "24h", "7d", "30d", "90d", "12m"]
Comparison = Literal["previous_period", "previous_year", "none"]

_DAYS: Mapping[str, int] = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "12m": 365}
_YEAR = timedelta(days=364)  # the same weekdays
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_BOT = Filter("bot", "eq", "true")
_NO_BOT = Filter("bot", "ne", "true")
_AT_ONCE = 4
_OK, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500
_PASSED_ON = ("authorization", "x-api-key", "traceparent")


class OverviewQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What the address asks: a `range`, or `from` and `to`; without an `interval` the one that suits the range."""

    range: Preset = "30d"
    start: str = ""
    end: str = ""
    timezone: str | None = None
    interval: Interval | None = None
    compare: Comparison = "previous_period"
    filters: list[Filter] = []
    events: list[str] = []
    bots: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8


class Panel(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a panel's function answered: its answer, or the problem."""

    status: int
    query: str
    answer: msgspec.Raw | None = None
    problem: msgspec.Raw | None = None


class OverviewAnswer(msgspec.Struct, frozen=True):
    """The panels by name; `compared` is null where nothing is compared."""

    range: dict[str, str]
    compared: dict[str, str] | None
    interval: Interval
    panels: dict[str, Panel]
    took_ms: float


class _Question(NamedTuple):
    kind: Kind
    query: dict[str, Any]


async def show(call: Call) -> Reply:
    """All panels, some at a time; refuses what all of them refuse for the same reason."""
    started = time.perf_counter()
    caller = await call.in_project(Action.EVENTS_READ)
    query = call.query(OverviewQuery)
    if query.timezone is None:
        [row] = await call.ports.catalog.rows("workspace/project", {"project_id": caller.project_id})
        query = msgspec.structs.replace(query, timezone=row["timezone"])
    now = to_datetime(SYSTEM_CLOCK.micros())
    period = _period(query, now)
    compared = None if query.compare == "none" else _compared(period, query.compare, now)
    interval = query.interval or _interval(period)
    headers = {name: call.headers[name] for name in _PASSED_ON if name in call.headers}
    headers["x-project-id"] = str(caller.project_id)
    few = asyncio.Semaphore(_AT_ONCE)

    async def ask(question: _Question) -> Panel:
        async with few:
            return await _asked(call, question, headers)

    questions = _questions(query, period, compared, interval)
    panels = dict(zip(questions, await asyncio.gather(*map(ask, questions.values())), strict=True))
    _refuse_as_all(list(panels.values()))
    call.note({PROJECT_HEADER: str(caller.project_id)})
    took = round((time.perf_counter() - started) * 1_000, 2)
    return json_reply(
        OverviewAnswer(period.echo(), None if compared is None else compared.echo(), interval, panels, took)
    )


async def _asked(call: Call, question: _Question, headers: Mapping[str, str]) -> Panel:
    name = f"/api/v1/query/{question.kind}"
    try:
        reply = await call.ports.asking.ask(question.kind, question.query, headers)
    except UnavailableError as error:
        reply = problem(Refusal.UNAVAILABLE, str(error))
    if not reply.content_type.startswith((JSON, "application/problem+json")):
        reply = problem(Refusal.UNAVAILABLE, f"query-{question.kind} answered {reply.status} in no words of its own")
    body = msgspec.Raw(reply.body)
    return Panel(reply.status, name, answer=body) if reply.status == _OK else Panel(reply.status, name, problem=body)


class _Problem(msgspec.Struct):
    code: Refusal
    detail: str = ""


def _refuse_as_all(panels: list[Panel]) -> None:
    """A filter that no panel takes is the request's fault, not one of twelve panels."""
    if not all(_CLIENT_ERROR <= panel.status < _SERVER_ERROR and panel.problem for panel in panels):
        return
    found = [msgspec.json.decode(panel.problem or b"", type=_Problem) for panel in panels]
    if len({one.code for one in found}) == 1:
        raise Rejected(found[0].code, found[0].detail)


def _questions(
    query: OverviewQuery, period: Period, compared: Period | None, interval: Interval
) -> dict[str, _Question]:
    filters = msgspec.to_builtins([*query.filters, *([] if query.bots else [_NO_BOT])])
    asked = {**period.echo(), "filters": filters, "events": query.events}
    line = {**asked, "interval": interval}
    against = {} if compared is None else {"compare": {name: compared.echo()[name] for name in ("from", "to")}}
    hidden = [
        *(one for one in msgspec.to_builtins(query.filters) if one["property"] != "bot"),
        msgspec.to_builtins(_BOT),
    ]

    def by(field: str, measure: str = "users") -> _Question:
        return _Question("breakdown", {**asked, "by": field, "measure": measure, "limit": query.limit})

    return {
        **{
            name: _Question("timeseries", {**line, **against, "measure": name})
            for name in ("count", "users", "sessions")
        },
        "series": _Question("timeseries", {**line, **against, "group_by": "event", "limit": query.limit}),
        "types": by("event", "count"),
        "pages": by("path"),
        "sources": by("referrer_domain"),
        "countries": by("country"),
        "devices": by("device"),
        "top_users": by("user_id", "count"),
        "hidden_bots": _Question("count", {**asked, "filters": hidden}),
        "latest": _Question("events", {**asked, "limit": query.limit}),
    }


def _period(query: OverviewQuery, now: datetime) -> Period:
    """The range: the one that is named, or whole days with today as the last one, or the last 24 hours."""
    zone = zone_of(query.timezone or "UTC")
    if query.start or query.end:
        if not (query.start and query.end):
            raise Rejected(Refusal.BAD_RANGE, "`from` and `to` go together")
        return parse_period(query.start, query.end, zone.key)
    if query.range == "24h":
        end = now.replace(minute=0, second=0, microsecond=0) + _HOUR
        return Period(end - _DAY, end, zone)
    today = now.astimezone(zone).date()
    return parse_period(str(today - (_DAYS[query.range] - 1) * _DAY), str(today), zone.key)


def _compared(period: Period, comparison: Comparison, now: datetime) -> Period:
    """As long a range right before, or 52 weeks before; of one that is under way the same part, on the local clock."""
    days = (_local(period.end, period.zone) - _local(period.start, period.zone)) / _DAY
    back = _YEAR if comparison == "previous_year" else timedelta(days=-(-days // 1))
    start, end = (_moved(one, back, period.zone) for one in (period.start, max(min(period.end, now), period.start)))
    earliest = datetime(1970, 1, 2, tzinfo=UTC)
    if start < earliest or end <= start:
        raise Rejected(Refusal.BAD_RANGE, "no event can be in the range to compare with: send compare=none")
    return Period(start, end, period.zone)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _moved(moment: datetime, back: timedelta, zone: ZoneInfo) -> datetime:
    return (_local(moment, zone) - back).replace(tzinfo=zone).astimezone(UTC)


def _interval(period: Period) -> Interval:
    days = (period.end - period.start) / _DAY
    for most, interval in _INTERVALS:
        if days <= most:
            return interval
    return "month"


_INTERVALS: tuple[tuple[int, Interval], ...] = ((4, "hour"), (100, "day"), (200, "week"))

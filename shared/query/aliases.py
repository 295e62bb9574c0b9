"""Questions as older services were asked them: their addresses, parameters and answers, in terms of ours.

An empty parameter is an absent one. Dates follow the rules of every range: a date-only `end_date` includes that day,
and naive times are in `timezone`. Where a date is missing, a total counts every event there is, and a series ends now
and is as long as LENGTHS says.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec

from shared.clock import SYSTEM_CLOCK, Clock, to_datetime
from shared.http import Request
from shared.query.groups import MAX_GROUPS
from shared.query.period import parse_period
from shared.query.request import from_address
from shared.query.zone import project_timezone
from shared.refusals import Refusal, Rejected

COUNT = "/analytics/events/count"
BY_TYPE = "/analytics/events/by-type"
BY_USER = "/analytics/events/by-user"
TIMESERIES = "/analytics/events/timeseries"
STATS = "/api/v1/stats/events"

Target = Literal["query_count", "query_timeseries", "query_breakdown"]
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_GROUPS)]

# How long a series is whose `start_date` is missing.
LENGTHS: Mapping[str, timedelta] = MappingProxyType(
    {
        "minute": timedelta(hours=6),
        "hour": timedelta(days=7),
        "day": timedelta(days=30),
        "week": timedelta(weeks=26),
        "month": timedelta(days=730),
    }
)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
# An event may be a day ahead of the moment it arrives (functions/ingest).
_AHEAD = timedelta(days=1, minutes=1)


class CountParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every older address takes."""

    event_type: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    timezone: str | None = None


class ListParameters(CountParameters, frozen=True, kw_only=True):
    """What the lists take."""

    limit: Limit = MAX_GROUPS


class SeriesParameters(CountParameters, frozen=True, kw_only=True):
    """What the time series takes."""

    interval: Literal["minute", "hour", "day", "week", "month"] = "day"


class StatsParameters(CountParameters, frozen=True, kw_only=True):
    """What the statistics take; `limit` belongs to `group_by=event`."""

    group_by: Literal["minute", "hour", "day", "week", "month", "event"] = "day"
    limit: Limit | None = None


class Counted(msgspec.Struct, frozen=True):
    """One number."""

    count: int


class TypeCount(msgspec.Struct, frozen=True):
    """A row by event type."""

    event_type: str
    count: int


class UserCount(msgspec.Struct, frozen=True):
    """A row by user; null are events without a `user_id`."""

    user_id: str | None
    count: int


class PointCount(msgspec.Struct, frozen=True):
    """A row by time: the begin of an interval with its local offset."""

    timestamp: str
    count: int


class Stats(msgspec.Struct, frozen=True):
    """The statistics: rows by time, or by event type."""

    stats: list[dict[str, str | int]]


class Asked(msgspec.Struct, frozen=True):
    """An older question in our words: `target` answers it, `query` is what to ask there."""

    target: Target
    query: dict[str, Any]
    row: type[TypeCount | UserCount | PointCount] | None = None
    within_stats: bool = False

    def body(self) -> bytes:
        """The query as JSON, to be checked like one that a client wrote."""
        return msgspec.json.encode(self.query)

    def listed(self, rows: Iterable[tuple[Any, Any]]) -> Any:
        """The older answer of keys and their counts: a list of rows, within `{"stats": […]}` where it was there."""
        found = [self.row(key, count) for key, count in rows] if self.row else []
        return {"stats": found} if self.within_stats else found


def _count(query_string: str, now: datetime) -> Asked:
    return Asked("query_count", _total(from_address(query_string, CountParameters), now))


def _by_type(query_string: str, now: datetime) -> Asked:
    given = from_address(query_string, ListParameters)
    return Asked("query_breakdown", {**_total(given, now), "by": "event", "limit": given.limit}, TypeCount)


def _by_user(query_string: str, now: datetime) -> Asked:
    given = from_address(query_string, ListParameters)
    return Asked("query_breakdown", {**_total(given, now), "by": "user_id", "limit": given.limit}, UserCount)


def _timeseries(query_string: str, now: datetime) -> Asked:
    given = from_address(query_string, SeriesParameters)
    return Asked("query_timeseries", _series(given, now, given.interval), PointCount)


def _stats(query_string: str, now: datetime) -> Asked:
    """One address is one function's: that of series lists the event types, too."""
    given = from_address(query_string, StatsParameters)
    if given.group_by == "event":
        query = {**_total(given, now), "group_by": "event", "limit": given.limit or MAX_GROUPS}
        return Asked("query_timeseries", query, TypeCount, within_stats=True)
    if given.limit is not None:
        raise Rejected(Refusal.BAD_REQUEST, "`limit` is for group_by=event; leave it out")
    return Asked("query_timeseries", _series(given, now, given.group_by), PointCount, within_stats=True)


_TRANSLATORS: Mapping[str, Callable[[str, datetime], Asked]] = MappingProxyType(
    {COUNT: _count, BY_TYPE: _by_type, BY_USER: _by_user, TIMESERIES: _timeseries, STATS: _stats}
)


def asked_before(request: Request, clock: Clock = SYSTEM_CLOCK) -> Asked | None:
    """The question of a GET of an older address; None where the request is one of ours. Refuses as `translate` does."""
    if request.method != "GET" or request.path not in _TRANSLATORS:
        return None
    return translate(request.path, request.address.partition("?")[2], to_datetime(clock.micros()))


def translate(path: str, query_string: str, now: datetime) -> Asked:
    """The question of one of the older addresses above, asked at `now` (aware).

    Refuses an unknown, repeated or ill-typed parameter (`unknown_field`, `bad_request`) and what no range may be
    (`bad_range`, `bad_timezone`), in the older names. What `query` says otherwise is checked by whoever asks it.
    """
    given = "&".join(part for part in query_string.split("&") if part.partition("=")[2])
    return _TRANSLATORS[path](given, now)


def _total(given: CountParameters, now: datetime) -> dict[str, Any]:
    """A query over the whole range."""
    return _ranged(given, given.start_date or _BEGINNING.isoformat(), given.end_date or (now + _AHEAD).isoformat())


def _series(given: CountParameters, now: datetime, interval: str) -> dict[str, Any]:
    """A query of points."""
    end, start = given.end_date or now.isoformat(), given.start_date
    if start is None:
        _ranged(given, _BEGINNING.isoformat(), end)
        over = parse_period(_BEGINNING.isoformat(), end, given.timezone).end
        start = max(over - LENGTHS[interval], _BEGINNING).isoformat()
    return {**_ranged(given, start, end), "interval": interval}


def _ranged(given: CountParameters, start: str, end: str) -> dict[str, Any]:
    """What all queries have in common; refuses a range that is none, in the names it was given in."""
    try:
        parse_period(start, end, given.timezone)
    except Rejected as rejected:
        detail = rejected.detail.replace("`from`", "`start_date`").replace("`to`", "`end_date`")
        raise Rejected(rejected.refusal, detail) from rejected
    zone = project_timezone.get() if given.timezone is None else given.timezone
    events = [] if given.event_type is None else [given.event_type]
    return {"from": start, "to": end, "timezone": zone, "events": events}

"""Asking the query functions: to check a saved query with their own parser, and for who looks at a shared dashboard."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import msgspec

from shared.clock import SYSTEM_CLOCK, to_datetime
from shared.edge.forward import origin_of
from shared.http import Reply
from shared.query.period import parse_period, zone_of
from shared.refusals import Refusal, Rejected, UnavailableError, describe

if TYPE_CHECKING:
    import aiohttp

Kind = Literal["count", "timeseries", "explore", "breakdown", "funnel", "retention", "events"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Whole events name people; everything else is totals.
NAMES_PEOPLE: frozenset[Kind] = frozenset({"events"})

# What is answered by a function of another name.
_SERVICES: Mapping[Kind, str] = MappingProxyType({"explore": "query-timeseries"})
_SECONDS = 65.0
_CONNECTIONS = 64
_UNPROCESSABLE = 400
_SERVER_ERROR = 500
_LAST = re.compile(r"([1-9]\d{0,3})([hdwmy])")
_UNITS: Mapping[str, timedelta] = MappingProxyType(
    {
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
        "w": timedelta(weeks=1),
        "m": timedelta(days=30),
        "y": timedelta(days=365),
    }
)
_LONGEST = timedelta(days=365 * 50)
# A checked query is asked for this minute: its function parses all of it, and reads next to nothing.
_CHECKED_FROM, _CHECKED_TO = "2020-01-06T00:00:00Z", "2020-01-06T00:01:00Z"
_PASSED_ON = ("authorization", "x-api-key", "cookie")


class Asked(NamedTuple):
    """A query as it is saved: `query` in its function's words; its range is its own, or the `last` 30d, 24h …."""

    kind: Kind
    query: Mapping[str, Any]
    last: str


class Asking:
    """A client of the query functions at `functions_url` ({service} in it stands for each one's name)."""

    def __init__(self, functions_url: str) -> None:
        self._functions_url = functions_url
        self._session: aiohttp.ClientSession | None = None

    async def check(self, asked: Asked, headers: Mapping[str, str], project_id: object) -> None:
        """Let the function that will answer a query parse it and run it on next to nothing, as whoever saves it.

        Refuses what it refuses; raises UnavailableError where it is away.
        """
        check_range(asked)
        credentials = {name: headers[name] for name in _PASSED_ON if name in headers}
        query = {**asked.query, "from": _CHECKED_FROM, "to": _CHECKED_TO}
        if isinstance(query.get("compare"), dict):
            del query["compare"]
        reply = await self.ask(asked.kind, query, {**credentials, "x-project-id": str(project_id)})
        if reply.status >= _UNPROCESSABLE:
            raise _refused(asked.kind, reply)

    async def ask(self, kind: Kind, query: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """What the function answers; raises UnavailableError where it does not."""
        import aiohttp

        service = _SERVICES.get(kind, f"query-{kind}")
        address = f"{origin_of(self._functions_url, service)}/api/v1/query/{kind}"
        sent = {**headers, "content-type": "application/json"}
        try:
            async with self._opened().post(address, data=msgspec.json.encode(query), headers=sent) as answer:
                body = await answer.read()
                return Reply(answer.status, body, answer.headers.get("content-type", ""))
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise UnavailableError(f"{service} does not answer") from error

    async def close(self) -> None:
        """Drop the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> "aiohttp.ClientSession":
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=_SECONDS, sock_connect=10),
            )
        return self._session


def check_range(asked: Asked) -> None:
    """Refuse a range that is none, or given in both ways."""
    zone = asked.query.get("timezone", "UTC")
    if not isinstance(zone, str):
        raise Rejected(Refusal.BAD_TIMEZONE, "`timezone` is a text")
    zone_of(zone or "UTC")
    given = [name for name in ("from", "to") if asked.query.get(name)]
    if asked.last:
        _length(asked.last)
        if given:
            raise Rejected(Refusal.BAD_RANGE, "give `last`, or `from` and `to` in the query, not both")
    elif len(given) == 1:
        raise Rejected(Refusal.BAD_RANGE, "`from` and `to` go together; leave both out for a range that moves")
    elif given:
        parse_period(str(asked.query["from"]), str(asked.query["to"]), zone or "UTC")
    if "cursor" in asked.query:
        raise Rejected(Refusal.BAD_REQUEST, "a saved query begins at its first page: leave `cursor` out")


def ranged(asked: Asked, timezone: str) -> dict[str, Any]:
    """The query with the range it has now: its own, or the whole days (or hours) up to now, in its zone."""
    if asked.query.get("from"):
        return dict(asked.query)
    zone = zone_of(str(asked.query.get("timezone") or timezone))
    now = to_datetime(SYSTEM_CLOCK.micros()).astimezone(zone)
    start = now - _length(asked.last or "30d")
    if (asked.last or "30d").endswith("h"):
        start = start.replace(minute=0, second=0, microsecond=0)
    else:
        start = datetime(start.year, start.month, start.day, tzinfo=zone) + timedelta(days=1)
    moments = {"from": start.astimezone(UTC).isoformat(), "to": now.astimezone(UTC).isoformat()}
    return {**asked.query, **moments, "timezone": zone.key}


def _length(last: str) -> timedelta:
    found = _LAST.fullmatch(last)
    if found is None:
        raise Rejected(Refusal.BAD_RANGE, f"`last` {last!r}: write a number and h, d, w, m or y, such as 30d")
    length = int(found[1]) * _UNITS[found[2]]
    if length > _LONGEST:
        raise Rejected(Refusal.BAD_RANGE, f"`last` {last!r} is longer than {_LONGEST.days // 365} years")
    return length


def _refused(kind: str, reply: Reply) -> Exception:
    """The function's own refusal, as ours."""
    try:
        problem = msgspec.json.decode(reply.body)
        refusal, detail = Refusal(problem["code"]), problem.get("detail", "")
    except (msgspec.DecodeError, ValueError, KeyError, TypeError):
        return UnavailableError(f"query-{kind} answered {reply.status}")
    if describe(refusal).status >= _SERVER_ERROR:
        return UnavailableError(f"query-{kind} cannot check the query now: {detail}")
    return Rejected(refusal, f"the {kind} query: {detail}")

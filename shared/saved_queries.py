"""Saved queries: what they ask, the range they are of, and asking the query functions for their answers.

Dashboards, definitions, shares and reports hold the same `Widget`s, so that each can be shown as any other.
"""

import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, get_args

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
# A statement of the SQL page is kept as well; no widget shows it.
SavedKind = Kind | Literal["sql"]
# Whole events name people, and statements may; everything else is totals.
NAMES_PEOPLE: frozenset[SavedKind] = frozenset({"events", "sql"})

# What is asked beside what can be saved.
Question = SavedKind | Literal["stickiness"]

# What is answered by a function of another name.
_SERVICES: Mapping[Question, str] = MappingProxyType({"explore": "query-timeseries", "stickiness": "query-retention"})
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

Description = Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"^[^\x00]*$")]
Last = Annotated[str, msgspec.Meta(max_length=10)]


class Asked(NamedTuple):
    """A query as it is saved: `query` in its function's words; its range is its own, or the `last` 30d, 24h …."""

    kind: SavedKind
    query: Mapping[str, Any]
    last: str


class InlineQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query of the widget's own, as a definition has it."""

    kind: Kind
    query: dict[str, Any]
    last: Last = ""

    @property
    def asked(self) -> Asked:
        return Asked(self.kind, self.query, self.last)


class Widget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One panel: what it shows is either a definition or a query of its own, or only its `title` and `text`.

    `chart` and `options` are the page's.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    text: Description = ""
    definition_id: uuid.UUID | None = None
    inline: InlineQuery | None = None
    chart: Annotated[str, msgspec.Meta(max_length=50)] = ""
    options: dict[str, Any] = {}


def widgets_of(text: str) -> list[Widget]:
    """The widgets as the catalog keeps them."""
    return msgspec.json.decode(text, type=list[Widget])


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
        query = {**asked.query, "from": _CHECKED_FROM, "to": _CHECKED_TO}
        if isinstance(query.get("compare"), dict):
            del query["compare"]
        if asked.kind == "sql":
            if asked.last:
                raise Rejected(Refusal.BAD_RANGE, "a statement says its range itself: leave `last` out")
            query = {**asked.query, "explain": True}
        reply = await self.ask(asked.kind, query, as_asked_by(headers, project_id))
        if reply.status >= _UNPROCESSABLE:
            raise refusal_in(asked.kind, reply)

    async def ask(self, kind: Question, query: Mapping[str, Any], headers: Mapping[str, str]) -> Reply:
        """What the function answers; raises UnavailableError where it does not."""
        sent = {**headers, "content-type": "application/json"}
        body = msgspec.json.encode(query)
        return await self._exchange("POST", service_of(kind), f"/api/v1/query/{kind}", sent, data=body)

    async def get(self, service: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        """What another function answers a GET; raises UnavailableError where it does not."""
        return await self._exchange("GET", service, path, headers, params=dict(query))

    async def _exchange(self, method: str, service: str, path: str, headers: Mapping[str, str], **more: Any) -> Reply:
        import aiohttp

        address = origin_of(self._functions_url, service) + path
        try:
            async with self._opened().request(method, address, headers=headers, **more) as answer:
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


def days_of(last: str) -> int:
    """How many days a moving range is of, at least one; refuses what is none (`bad_range`)."""
    return max(1, -(-_length(last) // timedelta(days=1)))


def _length(last: str) -> timedelta:
    found = _LAST.fullmatch(last)
    if found is None:
        raise Rejected(Refusal.BAD_RANGE, f"`last` {last!r}: write a number and h, d, w, m or y, such as 30d")
    length = int(found[1]) * _UNITS[found[2]]
    if length > _LONGEST:
        raise Rejected(Refusal.BAD_RANGE, f"`last` {last!r} is longer than {_LONGEST.days // 365} years")
    return length


def service_of(kind: Question) -> str:
    """The service that answers a kind of query."""
    return _SERVICES.get(kind, f"query-{kind}")


def as_asked_by(headers: Mapping[str, str], project_id: object) -> dict[str, str]:
    """Headers with the credentials of a request, to ask other functions as whoever sent it, about that project."""
    return {**{name: headers[name] for name in _PASSED_ON if name in headers}, "x-project-id": str(project_id)}


def refusal_in(kind: str, reply: Reply) -> Exception:
    """The function's own refusal, as ours."""
    try:
        problem = msgspec.json.decode(reply.body)
        refusal, detail = Refusal(problem["code"]), problem.get("detail", "")
    except (msgspec.DecodeError, ValueError, KeyError, TypeError):
        return UnavailableError(f"query-{kind} answered {reply.status}")
    if describe(refusal).status >= _SERVER_ERROR:
        return UnavailableError(f"query-{kind} cannot check the query now: {detail}")
    return Rejected(refusal, f"the {kind} query: {detail}")

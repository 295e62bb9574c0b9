"""Pages of lists by keyset: a cursor says after which row the next page begins, so that new rows shift nothing.

A cursor is opaque, and bound to its query: the project, what is listed and every word of the question but `limit`.
It also keeps the range of the first page, so that "until now" means the same on all pages. It holds no secret: a
forged one reads what its caller may read anyway.
"""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec

from shared.clock import to_datetime, to_micros
from shared.query.period import Period, parse_period
from shared.refusals import Refusal, Rejected

MAX_LIMIT = 1_000
DEFAULT_LIMIT = 100
Limit = Annotated[int, msgspec.Meta(ge=1, le=MAX_LIMIT)]

# What a range ends with, or begins with, that nobody gave. An event may lie up to 24 hours ahead.
_AHEAD = timedelta(hours=24)
_FIRST_DAY, _LAST_DAY = "1970-01-01", "2149-06-05"
_LATEST = to_micros(datetime(2149, 6, 6, tzinfo=UTC))
# A time in the key of a cursor, in microseconds since 1970.
Micros = Annotated[int, msgspec.Meta(ge=0, le=_LATEST)]
UInt64 = Annotated[int, msgspec.Meta(ge=0)]
# How far back the newest rows are looked for, before everything is.
_WINDOWS = (timedelta(days=3), timedelta(days=31))

KeyT = TypeVar("KeyT")
RowT = TypeVar("RowT")


class PagedQuery(Protocol):
    """What a question must have to be answered in pages; `start` and `end` may be empty."""

    @property
    def start(self) -> str: ...
    @property
    def end(self) -> str: ...
    @property
    def timezone(self) -> str | None: ...
    @property
    def cursor(self) -> str: ...


class Page(msgspec.Struct, Generic[KeyT], frozen=True):
    """Where a page begins: after the row with this key (None: at the start), within this range."""

    period: Period
    after: KeyT | None
    digest: bytes

    def cursor(self, key: KeyT) -> str:
        """The cursor of the page after the row with this key."""
        start, end = to_micros(self.period.start), to_micros(self.period.end)
        packed = msgspec.msgpack.encode((self.digest, start, end, key))
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def open_page(
    query: PagedQuery,
    key_type: type[KeyT],
    *,
    listed: str,
    project_id: uuid.UUID,
    now: datetime,
    days: int | None = None,
) -> Page[KeyT]:
    """The page a query asks for; `listed` names what is listed.

    Without an end the range goes on to 24 hours from now, without a start it is `days` long, or begins in 1970.
    Refuses a cursor of another query (`bad_cursor`) and what parse_period refuses.
    """
    period = parse_period(query.start or _FIRST_DAY, query.end or _LAST_DAY, query.timezone)
    digest = _digest(query, listed, project_id)
    if query.cursor:
        start, end, after = _read_cursor(query.cursor, digest, key_type)
        return Page(Period(start, end, period.zone), after, digest)
    end = period.end if query.end else (now + _AHEAD).astimezone(UTC)
    start = period.start
    if not query.start and days is not None:
        start = max(start, end - timedelta(days=days))
    if start >= end:
        raise Rejected(Refusal.BAD_RANGE, f"`from` {query.start} is not before {end.isoformat()}, where the range ends")
    return Page(Period(start, end, period.zone), None, digest)


def _digest(query: PagedQuery, listed: str, project_id: uuid.UUID) -> bytes:
    asked: dict[str, Any] = msgspec.to_builtins(query)
    bound = {name: value for name, value in asked.items() if name not in {"cursor", "limit"}}
    text = msgspec.json.encode((listed, project_id, bound), order="sorted")
    return hashlib.blake2b(text, digest_size=8).digest()


def _read_cursor(cursor: str, digest: bytes, key_type: type[KeyT]) -> tuple[datetime, datetime, KeyT]:
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        found, start, end, after = msgspec.msgpack.decode(packed, type=tuple[bytes, Micros, Micros, key_type])  # type: ignore[valid-type]  # a type made at run time
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Rejected(Refusal.BAD_CURSOR, "it is not one that was given out") from error
    if found != digest:
        raise Rejected(Refusal.BAD_CURSOR, "it belongs to another query: everything but `limit` must stay the same")
    return to_datetime(start), to_datetime(end), after


def widening(period: Period) -> Iterator[Period]:
    """The end of a range, then more and more of it, at last all of it."""
    for length in _WINDOWS:
        start = period.end - length
        if start <= period.start:
            break
        yield Period(start, period.end, period.zone)
    yield period


async def newest(period: Period, wanted: int, ask: Callable[[Period], Awaitable[Sequence[RowT]]]) -> Sequence[RowT]:
    """The newest `wanted` rows of a range, as `ask` finds them in a part of it that ends where the range ends.

    What is asked for most, the latest rows, is then found without reading the years before.
    """
    rows: Sequence[RowT] = ()
    for window in widening(period):
        rows = await ask(window)
        if len(rows) >= wanted:
            break
    return rows

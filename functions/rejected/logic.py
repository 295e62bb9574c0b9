"""Questions about refused events → their SQL → a page of them, or how many there are of each reason."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from shared.clock import Clock, to_datetime
from shared.query.ask import Asker, Warehouse
from shared.query.buckets import Buckets, Interval, check_points, cut
from shared.query.pages import DEFAULT_LIMIT, Limit, Micros, newest, open_page
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, rejected_scope
from shared.refusals import Refusal, Rejected, describe

SOURCES = ("ingest", "store")


class Key(NamedTuple):
    """What a refused event is told apart by, in the order of the list."""

    received_at: Micros
    batch_id: uuid.UUID
    position: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]


class _Wanted(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks, of when the events were refused; without `from` the range begins in 1970."""

    start: str = ""
    end: str = ""
    reason: str = ""
    event: str = ""
    source: str = ""
    timezone: str | None = None

    cursor = ""

    def scope(self, project_id: uuid.UUID, period: Period, parameters: Parameters) -> str:
        """The WHERE of this query; refuses a reason or a source that does not exist (`bad_filter`)."""
        if self.reason and self.reason not in set(Refusal):
            raise Rejected(Refusal.BAD_FILTER, f"there is no reason {self.reason!r}")
        if self.source and self.source not in SOURCES:
            raise Rejected(Refusal.BAD_FILTER, f"`source` is {' or '.join(SOURCES)}, not {self.source!r}")
        return rejected_scope(project_id, period, parameters, reason=self.reason, event=self.event, source=self.source)


class ReasonsQuery(_Wanted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same for how many there are of each reason; with an `interval`, in each bucket of it, too."""

    interval: Interval | None = None


class RejectedQuery(_Wanted, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same for a list of them, page by page."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str = ""


class RejectedEvent(msgspec.Struct, frozen=True):
    """One refused event; `raw` holds its bytes as text or, where `raw_encoding` says so, as base64.

    `replayed_at`: when it was replayed last; `replay_outcome` is `stored`, or the reason it was refused for again.
    """

    batch_id: str
    position: int
    received_at: str
    reason: str
    title: str
    detail: str
    raw: str
    raw_encoding: str
    key_prefix: str | None
    event: str | None
    request_id: str | None
    source: str
    replayed_at: str | None = None
    replay_outcome: str | None = None


class RejectedAnswer(msgspec.Struct, frozen=True):
    """A page of refused events, the newest first; `next_cursor` is null on the last page."""

    items: list[RejectedEvent]
    next_cursor: str | None
    took_ms: float
    rows_read: int
    range: dict[str, str]


class ReasonCount(msgspec.Struct, frozen=True):
    """How many events were refused for one reason."""

    reason: str
    title: str
    count: int
    first_seen: str
    last_seen: str


class ReasonSeries(msgspec.Struct, frozen=True):
    """How many events were refused for one reason in each bucket, by the bucket's begin in local time."""

    reason: str
    points: list[tuple[str, int]]


class ReasonsAnswer(msgspec.Struct, frozen=True):
    """Every reason for which something was refused in the range, the most frequent first.

    `series` are in the same order, null without an `interval`; buckets from `incomplete_from` on are not over.
    """

    items: list[ReasonCount]
    total: int
    series: list[ReasonSeries] | None
    incomplete_from: str | None
    took_ms: float
    rows_read: int
    range: dict[str, str]


def list_sql(
    query: RejectedQuery, project_id: uuid.UUID, period: Period, after: Key | None
) -> tuple[str, dict[str, Any]]:
    """The SQL of one page and one row more, and its bound parameters."""
    parameters = Parameters()
    wanted = query.scope(project_id, period, parameters)
    if after is not None:
        wanted += f"\n    AND {_after(after, parameters)}"
    sql = read_sql(
        Path(__file__).parent,
        "list",
        scope=wanted,
        limit=parameters.bind("UInt32", query.limit + 1),
    )
    return sql, parameters.values


def _after(key: Key, parameters: Parameters) -> str:
    bound = [
        parameters.bind("DateTime64(6, 'UTC')", str(to_datetime(key.received_at).replace(tzinfo=None))),
        parameters.bind("UUID", str(key.batch_id)),
        parameters.bind("UInt32", key.position),
    ]
    return f"(received_at, batch_id, position) < ({', '.join(bound)})"


async def list_rejected(
    query: RejectedQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock
) -> RejectedAnswer:
    """One page of refused events; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    asker = Asker(warehouse, function="rejected")
    page = open_page(query, Key, listed="rejected", project_id=project_id, now=to_datetime(clock.micros()))
    until = page.period
    if page.after is not None:
        last = to_datetime(page.after.received_at) + timedelta(microseconds=1)
        until = msgspec.structs.replace(until, end=min(until.end, last))

    async def ask(window: Period) -> Sequence[tuple[Any, ...]]:
        return (await asker.ask(*list_sql(query, project_id, window, page.after))).rows

    rows = await newest(until, query.limit + 1, ask)
    shown = rows[: query.limit]
    more = len(rows) > query.limit
    replays = await _replays(project_id, shown, asker) if shown else {}
    return RejectedAnswer(
        items=[_item(row, page.period.zone, replays.get((row[0], row[1]))) for row in shown],
        next_cursor=page.cursor(_key(shown[-1])) if more else None,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=page.period.echo(),
    )


async def count_reasons(
    query: ReasonsQuery, project_id: uuid.UUID, warehouse: Warehouse, clock: Clock
) -> ReasonsAnswer:
    """The refused events of each reason; raises as list_rejected does."""
    asker = Asker(warehouse, function="rejected")
    period = open_page(query, Key, listed="reasons", project_id=project_id, now=to_datetime(clock.micros())).period
    parameters = Parameters()
    where = query.scope(project_id, period, parameters)
    answer = await asker.ask(read_sql(Path(__file__).parent, "reasons", scope=where), parameters.values)
    items = [
        ReasonCount(reason, _title(reason), count, _moment(first, period.zone), _moment(last, period.zone))
        for reason, count, first, last in answer.rows
    ]
    total = sum(item.count for item in items)
    series, incomplete = None, None
    if query.interval is not None:
        buckets = cut(period, query.interval)
        check_points(len(buckets), max(len(items), 1), query.interval, period)
        found = await _by_bucket(query, project_id, period, buckets, asker)
        labels = list(enumerate(buckets.labels()))
        series = [
            ReasonSeries(item.reason, [(label, found.get((item.reason, number), 0)) for number, label in labels])
            for item in items
        ]
        incomplete = buckets.unfinished(to_datetime(clock.micros()))
    return ReasonsAnswer(items, total, series, incomplete, asker.took_ms, asker.rows_read, period.echo())


async def _by_bucket(
    query: ReasonsQuery, project_id: uuid.UUID, period: Period, buckets: Buckets, asker: Asker
) -> dict[tuple[str, int], int]:
    parameters = Parameters()
    sql = read_sql(
        Path(__file__).parent,
        "reasons_over_time",
        bucket=buckets.number_sql(parameters),
        scope=query.scope(project_id, period, parameters),
    )
    return {(reason, bucket): count for reason, bucket, count in (await asker.ask(sql, parameters.values)).rows}


async def _replays(
    project_id: uuid.UUID, shown: Sequence[Sequence[Any]], asker: Asker
) -> dict[tuple[str, int], tuple[int, str]]:
    """When events of a page were replayed, and what became of them then."""
    parameters = Parameters()
    sql = read_sql(
        Path(__file__).parent,
        "replays",
        project=parameters.bind("UUID", str(project_id)),
        batches=parameters.bind("Array(UUID)", sorted({row[0] for row in shown})),
    )
    rows = (await asker.ask(sql, parameters.values)).rows
    return {(batch_id, position): (at, outcome) for batch_id, position, at, outcome in rows}


def _item(row: Sequence[Any], zone: ZoneInfo, replay: tuple[int, str] | None = None) -> RejectedEvent:
    batch_id, position, received_at, reason, detail, raw, raw_encoding, key_prefix, event, request_id, source = row
    return RejectedEvent(
        batch_id=batch_id,
        position=position,
        received_at=_moment(received_at, zone),
        reason=reason,
        title=_title(reason),
        detail=detail,
        raw=raw,
        raw_encoding=raw_encoding,
        key_prefix=key_prefix or None,
        event=event or None,
        request_id=request_id or None,
        source=source,
        replayed_at=_moment(replay[0], zone) if replay else None,
        replay_outcome=replay[1] if replay else None,
    )


def _key(row: Sequence[Any]) -> Key:
    batch_id, position, received_at = row[:3]
    return Key(received_at, uuid.UUID(batch_id), position)


def _title(reason: str) -> str:
    """The sentence of a reason; '' of one that only a later version knows."""
    return describe(Refusal(reason)).title if reason in set(Refusal) else ""


def _moment(micros: int, zone: ZoneInfo) -> str:
    return to_datetime(micros).astimezone(zone).isoformat(timespec="microseconds")

"""Who is in segments: how many, since when, which ones, and what segments have in common."""

import base64
import binascii
import uuid
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from functions.segment.asked import (
    Member,
    MembersAnswer,
    MembersQuery,
    OverlapAnswer,
    OverlapPart,
    SizeAnswer,
    SizePoint,
    SizeQuery,
)
from functions.segment.store import Segment, known_of
from shared.clock import Clock, to_datetime, to_micros
from shared.query.ask import Asker, Warehouse
from shared.query.buckets import cut
from shared.query.identity import look
from shared.query.pages import MAX_LIMIT, Micros
from shared.query.parameters import Parameters
from shared.query.period import parse_period
from shared.query.scope import read_sql
from shared.query.segment_leaves import Leaves
from shared.query.segment_rules import Stored
from shared.query.segments import Segments, members_sql, moment
from shared.refusals import Refusal, Rejected

FUNCTION = "segment"
MOST_POINTS = 60
HERE = Path(__file__).parent


class Among(NamedTuple):
    """One question about segments of a project: all of them, as the catalog has them, and who answers."""

    segments: Segments
    asker: Asker

    @property
    def version(self) -> tuple[int, ...]:
        return (self.segments.data, self.segments.identity.version or 0)

    async def size(self, definition: Stored, as_of: datetime | None = None) -> int:
        """How many people a definition holds of, at the question's moment or another."""
        parameters = Parameters()
        at = self.segments if as_of is None else self.segments._replace(as_of=as_of)
        sql = read_sql(HERE, "size", members=members_sql(definition, at, parameters))
        return int((await self.asker.ask(sql, parameters.values, self.version)).value)

    async def everybody(self) -> int:
        """How many people did anything before the moment."""
        parameters = Parameters()
        members = Leaves(self.segments.identity, self.segments.as_of, parameters).everybody()
        sql = read_sql(HERE, "size", members=members)
        return int((await self.asker.ask(sql, parameters.values, self.version)).value)


async def among(project_id: uuid.UUID, all_of: Sequence[Segment], warehouse: Warehouse, clock: Clock) -> Among:
    """Look who is who and which version events have; raises UnavailableError."""
    asker = Asker(warehouse, function=FUNCTION, project_id=project_id)
    identity = await look(project_id, asker)
    sql = read_sql(HERE.parents[1] / "shared" / "query", "project_version")
    version = int((await asker.ask(sql, {"project": str(project_id)}, small=True)).value)
    return Among(Segments(identity, moment(clock), (), known_of(all_of), version), asker)


async def size(definition: Stored, query: SizeQuery, question: Among) -> SizeAnswer:
    """The size now, and at the end of each interval of a range; refuses more than MOST_POINTS of them."""
    points = await _points(definition, query, question)
    found, people = await question.size(definition), await question.everybody()
    return SizeAnswer(
        size=found,
        of_people=people,
        share=found / people if people else None,
        as_of=question.segments.as_of.isoformat(),
        points=points,
        exact=True,
        took_ms=question.asker.took_ms,
        rows_read=question.asker.rows_read,
    )


async def _points(definition: Stored, query: SizeQuery, question: Among) -> list[SizePoint]:
    ranged = query.ranged()
    if ranged is None:
        return []
    buckets = cut(parse_period(*ranged, query.timezone), query.interval)
    if len(buckets) > MOST_POINTS:
        raise Rejected(
            Refusal.QUERY_TOO_EXPENSIVE,
            f"{len(buckets)} points of {query.interval} are more than {MOST_POINTS}: take a longer `interval` or a"
            " shorter range",
        )
    last = question.segments.as_of
    found = []
    for label, start, end in zip(buckets.labels(), buckets.starts, buckets.ends, strict=True):
        if start < last:
            as_of = min(end, last)
            found.append(SizePoint(label, as_of.isoformat(), await question.size(definition, as_of)))
    return found


class _Cursor(NamedTuple):
    segment_id: uuid.UUID
    version: int
    as_of: Micros
    person: str


async def members(segment: Segment, query: MembersQuery, question: Among) -> MembersAnswer:
    """A page of members, all pages of one moment; refuses a cursor of another segment or version (`bad_cursor`)."""
    if query.format == "json" and query.limit > MAX_LIMIT:
        raise Rejected(Refusal.BAD_REQUEST, f"`limit` is at most {MAX_LIMIT} with format=json; take csv or ndjson")
    after, at = "", question.segments
    if query.cursor:
        cursor = _read_cursor(query.cursor)
        if (cursor.segment_id, cursor.version) != (segment.id, segment.version):
            raise Rejected(Refusal.BAD_CURSOR, "it belongs to another segment, or to this one as it was before")
        after, at = cursor.person, at._replace(as_of=to_datetime(cursor.as_of))
    parameters = Parameters()
    sql = read_sql(
        HERE,
        "members",
        members=members_sql(segment.condition, at, parameters),
        after=parameters.bind("String", after),
        limit=parameters.bind("UInt32", query.limit + 1),
    )
    found = [row[0] for row in (await question.asker.ask(sql, parameters.values, question.version)).rows]
    more = None
    if len(found) > query.limit:
        key = _Cursor(segment.id, segment.version, to_micros(at.as_of), found[query.limit - 1])
        more = base64.urlsafe_b64encode(msgspec.msgpack.encode(tuple(key))).decode().rstrip("=")
    return MembersAnswer([_member(one) for one in found[: query.limit]], more, at.as_of.isoformat())


def _read_cursor(text: str) -> _Cursor:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(packed, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Rejected(Refusal.BAD_CURSOR, "it is not one that was given out") from error


def _member(person: str) -> Member:
    kind, _, name = person.partition(":")
    return Member(person, name if kind == "u" else None, name if kind == "a" else None)


async def overlap(wanted: Sequence[Segment], question: Among) -> OverlapAnswer:
    """What segments have in common."""
    parameters = Parameters()
    definitions = (members_sql(one.condition, question.segments, parameters) for one in wanted)
    parts = [f"SELECT person, toUInt32({1 << place}) AS place FROM ({one})" for place, one in enumerate(definitions)]
    sql = read_sql(HERE, "overlap", members=" UNION ALL ".join(parts))
    rows: list[tuple[Any, ...]] = (await question.asker.ask(sql, parameters.values, question.version)).rows
    by_places = {int(places): int(people) for places, people in rows}
    return OverlapAnswer(
        sizes={
            str(one.id): sum(people for places, people in by_places.items() if places >> place & 1)
            for place, one in enumerate(wanted)
        },
        any=sum(by_places.values()),
        all=by_places.get((1 << len(wanted)) - 1, 0),
        parts=[
            OverlapPart([one.id for place, one in enumerate(wanted) if places >> place & 1], people)
            for places, people in sorted(by_places.items())
        ],
        as_of=question.segments.as_of.isoformat(),
    )

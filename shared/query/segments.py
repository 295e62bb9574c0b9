"""Who is in a segment: its definition as SQL, at a moment, over resolved people (docs/segments.md).

A definition is made of leaves, each a SELECT of the people of whom one condition holds, and of how they are joined. A
statement that says `segment_<id>` takes Segments.conditions among the conditions of its WHERE, as it does for `person`.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from shared.clock import SYSTEM_CLOCK, Clock, to_datetime
from shared.query.ask import Asker, Version
from shared.query.fields import PERSON, SEGMENT, SEGMENT_PREFIX, segment_alias
from shared.query.filters import Filter, segment_ids
from shared.query.identity import Identity, look
from shared.query.parameters import Parameters
from shared.query.scope import read_sql
from shared.query.segment_leaves import Leaves
from shared.query.segment_rules import MOST_DEPTH, And, InSegment, Not, Or, Stored, refused
from shared.refusals import Refusal, Rejected

_HERE = Path(__file__).parent


class Kept(NamedTuple):
    """A segment as questions know it."""

    name: str
    version: int
    definition: Stored


class Planned(Protocol):
    """A plan that says of which version segments were."""

    @property
    def segments(self) -> int | None: ...


PlanT = TypeVar("PlanT", bound=msgspec.Struct)


class Segments(NamedTuple):
    """The segments that one question names, at one moment; nobody is in any where none is named."""

    identity: Identity
    as_of: datetime
    wanted: Sequence[uuid.UUID] = ()
    known: Mapping[uuid.UUID, Kept] = {}
    data: int = 0
    """The version of all of the project's events."""

    @property
    def version(self) -> Version:
        """Of what membership depends on; the definitions themselves stand in the statement."""
        return (self.data, self.identity.version or 0) if self.wanted else ()

    def planned(self, plan: PlanT) -> PlanT:
        """The plan, with the version."""
        return msgspec.structs.replace(plan, segments=self.data) if self.wanted else plan

    def conditions(self, parameters: Parameters) -> list[str]:
        """Conditions that are always true and let the same SELECT, which knows `person`, say `segment_<id>`."""
        return [
            f"((person IN ({self.members(one, parameters)})) AS {segment_alias(str(one))}) IS NOT NULL"
            for one in self.wanted
        ]

    def defines(self, parameters: Parameters) -> str:
        """The same as one condition, with what `person` is before them."""
        return "\n    AND ".join([self.identity.defines(parameters), *self.conditions(parameters)])

    def members(self, segment_id: uuid.UUID, parameters: Parameters) -> str:
        """A SELECT of `person`: each of a segment's members once."""
        return members_sql(self.known[segment_id].definition, self, parameters)


def members_sql(definition: Stored, among: Segments, parameters: Parameters) -> str:
    """A SELECT of `person`: everybody of whom a definition holds, each once.

    Refuses what cannot be asked (`bad_filter`, `unknown_field`, `bad_segment`).
    """
    leaves = Leaves(among.identity, among.as_of, parameters)
    formula, of_nobody = _formula(definition, among.known, leaves, 0)
    if formula == leaves.name(0) and len(leaves.sql) == 1:
        return leaves.sql[0]
    parts = [f"SELECT person, {place} AS leaf FROM ({one})" for place, one in enumerate(leaves.sql)]
    if of_nobody:
        parts.append(f"SELECT person, {len(leaves.sql)} AS leaf FROM ({leaves.everybody()})")
    return f"SELECT person FROM ({' UNION ALL '.join(parts)}) GROUP BY person HAVING {formula}"


def _formula(wanted: Stored, known: Mapping[uuid.UUID, Kept], leaves: Leaves, deep: int) -> tuple[str, bool]:
    """How the leaves are joined, and whether it holds of somebody of whom no leaf does."""
    leaves.step()
    if deep > MOST_DEPTH * 3:
        raise refused("`definition`: segments that name one another stand too deep; name the inner one at once")
    if isinstance(wanted, And | Or):
        inner = [_formula(one, known, leaves, deep + 1) for one in wanted.of]
        word, holds = (" AND ", all) if isinstance(wanted, And) else (" OR ", any)
        return f"({word.join(sql for sql, _ in inner)})", holds(of_nobody for _, of_nobody in inner)
    if isinstance(wanted, Not):
        sql, of_nobody = _formula(wanted.of, known, leaves, deep + 1)
        return f"NOT {sql}", not of_nobody
    if isinstance(wanted, InSegment):
        if wanted.id not in known:
            raise refused(f"`id`: there is no segment {wanted.id}")
        return _formula(known[wanted.id].definition, known, leaves, deep + 1)
    return leaves.add(wanted)


def segments_in(filters: Sequence[Filter], fields: Sequence[str]) -> list[uuid.UUID]:
    """The segments that filters and fields name, each once; refuses what is no id (`unknown_field`, `bad_filter`)."""
    texts = [str(value) for one in filters if one.property == SEGMENT for value in segment_ids(one)]
    named = [*fields, *(one.property for one in filters)]
    texts += [name[len(SEGMENT_PREFIX) :] for name in named if name.startswith(SEGMENT_PREFIX)]
    return list(dict.fromkeys(uuid.UUID(segment_alias(text).partition("_")[2]) for text in texts))


def moment(clock: Clock) -> datetime:
    """The moment segments are of by default: the end of the hour that is, so that all of an hour ask the same."""
    return to_datetime(clock.micros()).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


async def named_segments(
    identity: Identity,
    filters: Sequence[Filter],
    fields: Sequence[str],
    asker: Asker,
    clock: Clock = SYSTEM_CLOCK,
) -> Segments:
    """The segments that a question names, as they are; reads nothing where none is named.

    Refuses one the project does not have (`bad_filter`); raises UnavailableError where the warehouse is away.
    """
    wanted = segments_in(filters, fields)
    if not wanted:
        return Segments(identity, moment(clock))
    segments = await all_segments(identity, moment(clock), asker)
    for one in wanted:
        if one not in segments.known:
            raise Rejected(Refusal.BAD_FILTER, f"there is no segment {one}; GET /api/v1/segments lists them")
    return segments._replace(wanted=wanted)


async def segments_of(
    project_id: uuid.UUID, filters: Sequence[Filter], fields: Sequence[str], asker: Asker, clock: Clock = SYSTEM_CLOCK
) -> "Segments | None":
    """What a statement needs that names people or segments; None where neither is named. Raises as named_segments."""
    if not segments_in(filters, fields) and PERSON not in {*fields, *(one.property for one in filters)}:
        return None
    return await named_segments(await look(project_id, asker), filters, fields, asker, clock)


async def all_segments(identity: Identity, as_of: datetime, asker: Asker) -> Segments:
    """All segments of a project, none of them wanted yet; raises UnavailableError where the warehouse is away."""
    project = {"project": str(identity.project_id)}
    rows = (await asker.ask(read_sql(_HERE, "segments"), project, small=True)).rows
    version = (await asker.ask(read_sql(_HERE, "project_version"), project, small=True)).value
    known = {uuid.UUID(which): Kept(name, number, decode_definition(text)) for which, name, number, text in rows}
    return Segments(identity, as_of, (), known, int(version))


def decode_definition(text: str) -> Stored:
    """A definition as it was stored."""
    decoded: Stored = msgspec.json.decode(text, type=Stored)
    return decoded

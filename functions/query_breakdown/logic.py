"""A breakdown query → its SQL → its answer."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from shared.query.ask import Asker, Warehouse
from shared.query.filters import Filter
from shared.query.groups import DEFAULT_GROUPS, MAX_GROUPS, Groups, Key
from shared.query.measures import of_nothing, share
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.planner import Plan, Source, Wanted, plan
from shared.query.scope import read_sql
from shared.refusals import Refusal, Rejected

Value = float | int | None
MAX_FIELDS = 3
# Each event is in one group.
_ADDS_UP = "count"


class BreakdownQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks: a measure of each value of a field, or of each combination of up to three."""

    start: str
    end: str
    by: str | list[str] | None = None
    group_by: str | list[str] | None = None
    events: list[str] = []
    filters: list[Filter] = []
    measure: str = "count"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_GROUPS)] = DEFAULT_GROUPS
    timezone: str | None = None
    explain: bool = False

    def wanted(self, project_id: uuid.UUID, period: Period) -> Wanted:
        return Wanted(project_id, period, self.events, self.filters, self.measure, self.fields())

    def fields(self) -> list[str]:
        """The names to break down by; refuses none, too many, or both spellings at once (`bad_request`)."""
        if self.by is not None and self.group_by is not None:
            raise Rejected(Refusal.BAD_REQUEST, "give `by` or its other name `group_by`, not both")
        given = self.group_by if self.by is None else self.by
        names = [given] if isinstance(given, str) else given or []
        if not 0 < len(names) <= MAX_FIELDS:
            raise Rejected(Refusal.BAD_REQUEST, f"`by` names one field or a list of 1 to {MAX_FIELDS}")
        return names

    @property
    def by_one(self) -> bool:
        """Whether keys are texts, as opposed to lists."""
        return isinstance(self.group_by if self.by is None else self.by, str)


class BreakdownRow(msgspec.Struct, frozen=True):
    """One group; its key is a text, null where the event has no such value, or a list of these."""

    key: str | list[str | None] | None
    value: Value
    share: float | None


class BreakdownAnswer(msgspec.Struct, frozen=True):
    """The largest groups, all other ones as one, and everything; each is exact on its own, for every measure."""

    rows: list[BreakdownRow]
    other: Value
    total: Value
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


def top_sql(query: BreakdownQuery, source: Source) -> tuple[str, dict[str, Any]]:
    """The SQL of the largest groups and its bound parameters; refuses unknown measures, fields and unfit filters."""
    parameters = Parameters()
    whole = query.measure == _ADDS_UP
    sql = Groups(query.fields()).top_sql(source, limit=query.limit, parameters=parameters, whole=whole)
    return sql, parameters.values


def values_sql(query: BreakdownQuery, source: Source, top: list[Key]) -> tuple[str, dict[str, Any]]:
    """The SQL of the values of these groups, of the rest and of everything, and its bound parameters."""
    parameters = Parameters()
    rows = source.rows(parameters)
    place = Groups(query.fields()).place_sql(top, parameters)
    sql = read_sql(Path(__file__).parent, "values", place=place, measure=source.measure, rows=rows)
    return sql, parameters.values


async def breakdown(query: BreakdownQuery, project_id: uuid.UUID, warehouse: Warehouse) -> BreakdownAnswer:
    """Answer a breakdown exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    period = parse_period(query.start, query.end, query.timezone)
    asker = Asker(warehouse, function="query_breakdown", measure=query.measure, project_id=project_id)
    source, planned = await plan(query.wanted(project_id, period), asker)
    nothing = of_nothing(query.measure)
    if query.explain:
        planned = planned.explained(await asker.estimate(*values_sql(query, source, [])))
        return BreakdownAnswer([], nothing, nothing, True, asker.took_ms, asker.rows_read, period.echo(), planned)
    found = (await asker.ask(*top_sql(query, source), source.version, small=source.small)).rows
    if query.measure == _ADDS_UP:
        Groups(query.fields()).bound([row[:-2] for row in found])
        values = _added(found)
    else:
        values = await _counted(query, source, [row[:-1] for row in found], asker)
    rows = [
        BreakdownRow(key[0] if query.by_one else list(key), value, share(query.measure, value, values.total))
        for key, value in values.groups
    ]
    return BreakdownAnswer(
        rows=sorted(rows, key=_largest_first),
        other=values.other,
        total=values.total,
        exact=True,
        took_ms=asker.took_ms,
        rows_read=asker.rows_read,
        range=period.echo(),
        plan=planned.reached(asker),
    )


class _Values(NamedTuple):
    groups: list[tuple[Key, Value]]
    other: Value
    total: Value


def _added(found: Sequence[tuple[Any, ...]]) -> _Values:
    """Of numbers of events: the largest groups, each row with the sum of all groups."""
    groups = [(key, value) for *key, value, _ in found]
    total = found[0][-1] if found else 0
    return _Values([(tuple(key), value) for key, value in groups], total - sum(value for _, value in groups), total)


async def _counted(query: BreakdownQuery, source: Source, top: list[Key], asker: Asker) -> _Values:
    """Of what may be in several groups at once, or has no sum: each group, the rest and everything by another look."""
    values = (await asker.ask(*values_sql(query, source, top), source.version, small=source.small)).rows
    nothing = of_nothing(query.measure)
    total = next((value for _, whole, value in values if whole), nothing)
    by_place = {place: value for place, whole, value in values if not whole}
    groups = [(key, by_place[place]) for place, key in enumerate(top) if place in by_place]
    return _Values(groups, by_place.get(len(top), nothing), total)


def _largest_first(row: BreakdownRow) -> tuple[bool, float, list[tuple[bool, str]]]:
    """Rows may have changed between the two statements; the second one's values are the ones shown."""
    key = row.key if isinstance(row.key, list) else [row.key]
    return row.value is None, -(row.value or 0), [(part is None, part or "") for part in key]

"""A count query → its SQL → its answer."""

import uuid
from pathlib import Path
from typing import Any

import msgspec

from shared.query.ask import Asker, Warehouse
from shared.query.filters import Filter
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.planner import Plan, Source, Wanted, plan
from shared.query.scope import read_sql

REQUESTED = "dev.sluice.query.requested.v1"
ANSWERED = "dev.sluice.query.answered.v1"


class CountQuery(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What a caller asks: `from` inclusive, `to` exclusive (a date-only `to` includes that day)."""

    start: str
    end: str
    events: list[str] = []
    filters: list[Filter] = []
    measure: str = "count"
    timezone: str = "UTC"
    explain: bool = False

    def wanted(self, project_id: uuid.UUID, period: Period) -> Wanted:
        return Wanted(project_id, period, self.events, self.filters, self.measure)


class AskedByEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data of a `dev.sluice.query.requested.v1` event."""

    project_id: uuid.UUID
    query: CountQuery


class CountAnswer(msgspec.Struct, frozen=True):
    """The number (null where no value was there to measure, or nothing was run), and how it was reached."""

    value: float | int | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]
    plan: Plan


def to_sql(source: Source) -> tuple[str, dict[str, Any]]:
    """The SQL of a count and its bound parameters; refuses unknown measures, fields and unfit filters."""
    parameters = Parameters()
    sql = read_sql(Path(__file__).parent, "count", measure=source.measure, rows=source.rows(parameters))
    return sql, parameters.values


async def count(query: CountQuery, project_id: uuid.UUID, warehouse: Warehouse) -> CountAnswer:
    """Answer a count exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    period = parse_period(query.start, query.end, query.timezone)
    asker = Asker(warehouse, function="query_count", measure=query.measure)
    source, planned = await plan(query.wanted(project_id, period), asker)
    value = None
    if query.explain:
        planned = planned.explained(await asker.estimate(*to_sql(source)))
    else:
        value = (await asker.ask(*to_sql(source), source.version)).value
    return CountAnswer(value, True, asker.took_ms, asker.rows_read, period.echo(), planned.reached(asker))

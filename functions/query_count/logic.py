"""A count query → its SQL → its answer."""

import uuid

import msgspec

from shared.query.ask import Asker, Warehouse
from shared.query.counting import count_sql
from shared.query.filters import Filter
from shared.query.period import Period, parse_period
from shared.query.planner import Plan, Wanted, plan

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
    timezone: str | None = None
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


async def count(query: CountQuery, project_id: uuid.UUID, warehouse: Warehouse) -> CountAnswer:
    """Answer a count exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    period = parse_period(query.start, query.end, query.timezone)
    asker = Asker(warehouse, function="query_count", measure=query.measure, project_id=project_id)
    source, planned = await plan(query.wanted(project_id, period), asker)
    value = None
    if query.explain:
        planned = planned.explained(await asker.estimate(*count_sql(source)))
    else:
        value = (await asker.ask(*count_sql(source), source.version, small=source.small)).value
    return CountAnswer(value, True, asker.took_ms, asker.rows_read, period.echo(), planned.reached(asker))

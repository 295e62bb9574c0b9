"""A count query → its SQL → its answer."""

import uuid
from typing import Any

import msgspec

from shared.query.ask import Asker, Warehouse
from shared.query.counting import count_sql
from shared.query.filters import Filter
from shared.query.period import Period, parse_period

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


class AskedByEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data of a `dev.sluice.query.requested.v1` event."""

    project_id: uuid.UUID
    query: CountQuery


class CountAnswer(msgspec.Struct, frozen=True):
    """The number (null where no value was there to measure), and how it was reached."""

    value: float | int | None
    exact: bool
    took_ms: float
    rows_read: int
    range: dict[str, str]


def to_sql(query: CountQuery, project_id: uuid.UUID, period: Period) -> tuple[str, dict[str, Any]]:
    """The SQL of a count and its bound parameters; refuses unknown measures, fields and unfit filters."""
    return count_sql(project_id, period, measure=query.measure, events=query.events, filters=query.filters)


async def count(query: CountQuery, project_id: uuid.UUID, warehouse: Warehouse) -> CountAnswer:
    """Answer a count exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    period = parse_period(query.start, query.end, query.timezone)
    asker = Asker(warehouse, function="query_count", measure=query.measure)
    value = (await asker.ask(*to_sql(query, project_id, period))).value
    return CountAnswer(value, True, asker.took_ms, asker.rows_read, period.echo())

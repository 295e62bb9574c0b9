"""A count query → its SQL → its answer."""

import math
import re
import time
import uuid
from pathlib import Path
from typing import Any, Protocol

import msgspec

from shared import metrics
from shared.query.filters import Filter
from shared.query.measures import measure
from shared.query.parameters import Parameters
from shared.query.period import Period, parse_period
from shared.query.scope import read_sql, scope
from shared.refusals import Refusal, Rejected
from shared.warehouse.client import Answer, WarehouseError

REQUESTED = "dev.sluice.query.requested.v1"
ANSWERED = "dev.sluice.query.answered.v1"

# The filter's own fault, found only by the warehouse: a regular expression that RE2 cannot compile.
_CANNOT_COMPILE_REGEXP = 427
_RE2_REASON = re.compile(r", error: (.*?)\. Look at ", re.DOTALL)


class Warehouse(Protocol):
    """What is needed of the warehouse."""

    async def query(self, sql: str, parameters: dict[str, Any]) -> Answer: ...


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
    parameters = Parameters()
    where = scope(project_id, period, parameters, events=query.events, filters=query.filters)
    sql = read_sql(Path(__file__).parent, "count", measure=measure(query.measure), scope=where)
    return sql, parameters.values


async def count(query: CountQuery, project_id: uuid.UUID, warehouse: Warehouse) -> CountAnswer:
    """Answer a count exactly; raises Rejected for what cannot be asked, UnavailableError where nobody answers."""
    period = parse_period(query.start, query.end, query.timezone)
    sql, parameters = to_sql(query, project_id, period)
    started = time.perf_counter()
    try:
        answer = await warehouse.query(sql, parameters)
    except WarehouseError as error:
        if error.code == _CANNOT_COMPILE_REGEXP:
            reason = _RE2_REASON.search(str(error))
            detail = (
                f"the regular expression is not RE2: {reason[1]}" if reason else "the regular expression is not RE2"
            )
            raise Rejected(Refusal.BAD_FILTER, detail) from error
        raise
    seconds = time.perf_counter() - started
    metrics.QUERY_SECONDS.labels("query_count").observe(seconds)
    if isinstance(answer.value, float) and not math.isfinite(answer.value):
        raise Rejected(Refusal.BAD_MEASURE, f"{query.measure}: the answer is larger than a Float64 can hold")
    return CountAnswer(answer.value, True, round(seconds * 1_000, 2), answer.rows_read, period.echo())

"""One number over a project's events in a range: what query_count answers and alert rules judge."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.query.filters import Filter
from shared.query.measures import measure as measure_sql
from shared.query.parameters import Parameters
from shared.query.period import Period
from shared.query.scope import read_sql, scope


def count_sql(
    project_id: uuid.UUID,
    period: Period,
    *,
    measure: str = "count",
    events: Sequence[str] = (),
    filters: Sequence[Filter] = (),
) -> tuple[str, dict[str, Any]]:
    """The SQL of a count and its bound parameters; refuses unknown measures, fields and unfit filters."""
    parameters = Parameters()
    where = scope(project_id, period, parameters, events=events, filters=filters)
    sql = read_sql(Path(__file__).parent, "count", measure=measure_sql(measure), scope=where)
    return sql, parameters.values

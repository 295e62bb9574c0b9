"""One number over a project's events in a range: what query_count answers and alert rules judge."""

from pathlib import Path
from typing import Any

from shared.query.parameters import Parameters
from shared.query.planner import Source
from shared.query.scope import read_sql


def count_sql(source: Source) -> tuple[str, dict[str, Any]]:
    """The SQL of a count and its bound parameters; refuses unknown measures, fields and unfit filters."""
    parameters = Parameters()
    sql = read_sql(Path(__file__).parent, "count", measure=source.measure, rows=source.rows(parameters))
    return sql, parameters.values

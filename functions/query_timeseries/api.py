"""What query_timeseries offers over HTTP, for the OpenAPI document."""

from functions.query_timeseries.explore import PATH as EXPLORE
from functions.query_timeseries.explore import ExploreAnswer, ExploreQuery
from functions.query_timeseries.logic import TimeseriesAnswer, TimeseriesQuery
from shared.openapi import Operation
from shared.query.aliases import STATS, TIMESERIES, PointCount, SeriesParameters, Stats, StatsParameters

PATH = "/api/v1/query/timeseries"
SUMMARY = "A measure in each minute, hour, day, week or month of a range, whole or for the largest groups"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=TimeseriesAnswer, query=TimeseriesQuery),
    Operation("POST", PATH, SUMMARY, answer=TimeseriesAnswer, body=TimeseriesQuery),
    Operation(
        "POST",
        EXPLORE,
        "Several series, formulas over them, running totals and moving averages",
        answer=ExploreAnswer,
        body=ExploreQuery,
    ),
    Operation(
        "GET", TIMESERIES, "Events in each interval", answer=list[PointCount], query=SeriesParameters, alias_of=PATH
    ),
    Operation(
        "GET",
        STATS,
        "Events in each interval, or of each event type",
        answer=Stats,
        query=StatsParameters,
        alias_of=PATH,
    ),
]

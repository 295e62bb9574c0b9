"""What rejected offers over HTTP, for the OpenAPI document."""

from functions.rejected.logic import ReasonsAnswer, ReasonsQuery, RejectedAnswer, RejectedQuery
from shared.openapi import Operation

OPERATIONS = [
    Operation(
        "GET",
        "/api/v1/rejected",
        "Refused events with the reason and what was sent, the newest first",
        answer=RejectedAnswer,
        query=RejectedQuery,
    ),
    Operation(
        "GET",
        "/api/v1/rejected/reasons",
        "How many events were refused for which reason",
        answer=ReasonsAnswer,
        query=ReasonsQuery,
    ),
]

"""What query_attribution offers over HTTP, for the OpenAPI document."""

from functions.query_attribution.logic import AttributionAnswer
from functions.query_attribution.question import AttributionPeopleQuery, AttributionQuery
from shared.openapi import Operation
from shared.query.behind import PeopleBehind

PATH = "/api/v1/query/attribution"
SUMMARY = "Which touches led to conversions and their worth: first, last, linear, position and time decay"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=AttributionAnswer, query=AttributionQuery),
    Operation("POST", PATH, SUMMARY, answer=AttributionAnswer, body=AttributionQuery),
    Operation(
        "POST",
        f"{PATH}/people",
        "Whose conversions a row of an attribution is made of",
        answer=PeopleBehind,
        body=AttributionPeopleQuery,
    ),
]

"""What query_count offers over HTTP, for the OpenAPI document."""

from functions.query_count.logic import CountAnswer, CountQuery
from shared.openapi import Operation
from shared.query.aliases import COUNT, Counted, CountParameters

PATH = "/api/v1/query/count"
SUMMARY = "One exact number over a time range: events, users, sessions, or a measure of a property"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=CountAnswer, query=CountQuery),
    Operation("POST", PATH, SUMMARY, answer=CountAnswer, body=CountQuery),
    Operation("GET", COUNT, "How many events there are", answer=Counted, query=CountParameters, alias_of=PATH),
]

"""What query_breakdown offers over HTTP, for the OpenAPI document."""

from functions.query_breakdown.logic import BreakdownAnswer, BreakdownQuery
from shared.openapi import Operation
from shared.query.aliases import BY_TYPE, BY_USER, ListParameters, TypeCount, UserCount

PATH = "/api/v1/query/breakdown"
SUMMARY = "A measure of each value of up to three fields, the largest first, of all the rest and of everything"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=BreakdownAnswer, query=BreakdownQuery),
    Operation("POST", PATH, SUMMARY, answer=BreakdownAnswer, body=BreakdownQuery),
    Operation("GET", BY_TYPE, "Events of each type", answer=list[TypeCount], query=ListParameters, alias_of=PATH),
    Operation("GET", BY_USER, "Events of each user", answer=list[UserCount], query=ListParameters, alias_of=PATH),
]

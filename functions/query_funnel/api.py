"""What query_funnel offers over HTTP, for the OpenAPI document."""

from functions.query_funnel.logic import BehindAnswer, FunnelAnswer
from shared.openapi import Operation
from shared.query.funnel.question import BehindQuery, FunnelQuery

PATH = "/api/v1/query/funnel"
SUMMARY = "How many people do 2 to 20 steps one after the other within a window, and how long it takes them"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=FunnelAnswer, query=FunnelQuery),
    Operation("POST", PATH, SUMMARY, answer=FunnelAnswer, body=FunnelQuery),
    Operation("POST", f"{PATH}/people", "The people behind a step of a funnel", answer=BehindAnswer, body=BehindQuery),
]

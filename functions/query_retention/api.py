"""What query_retention offers over HTTP, for the OpenAPI document."""

from functions.query_retention.activity import LifecycleAnswer, StickinessAnswer
from functions.query_retention.logic import RetentionAnswer
from functions.query_retention.question import (
    LifecyclePeopleQuery,
    LifecycleQuery,
    RetentionPeopleQuery,
    RetentionQuery,
    StickinessPeopleQuery,
    StickinessQuery,
)
from shared.openapi import Operation
from shared.query.behind import PeopleBehind

_OFFERED = [
    ("retention", "Who of each cohort comes back, and when", RetentionQuery, RetentionAnswer),
    ("lifecycle", "New, returning, resurrecting and dormant people in each interval", LifecycleQuery, LifecycleAnswer),
    ("stickiness", "How often people are active; DAU, WAU and MAU", StickinessQuery, StickinessAnswer),
]

OPERATIONS = [
    operation
    for name, summary, query, answer in _OFFERED
    for operation in (
        Operation("GET", f"/api/v1/query/{name}", summary, answer=answer, query=query),
        Operation("POST", f"/api/v1/query/{name}", summary, answer=answer, body=query),
    )
]
_BEHIND = [
    ("retention", "Who of a cohort came back", RetentionPeopleQuery),
    ("lifecycle", "Who is new, returning, resurrecting or dormant in an interval", LifecyclePeopleQuery),
    ("stickiness", "Who was active in so many intervals", StickinessPeopleQuery),
]
OPERATIONS += [
    Operation("POST", f"/api/v1/query/{name}/people", summary, answer=PeopleBehind, body=query)
    for name, summary, query in _BEHIND
]

"""What query_paths offers over HTTP, for the OpenAPI document."""

from functions.query_paths.logic import PathsAnswer
from functions.query_paths.question import PathsPeopleQuery, PathsQuery
from shared.openapi import Operation
from shared.query.behind import PeopleBehind

PATH = "/api/v1/query/paths"
SUMMARY = "What people do after an event, before one, or first: nodes and links, step by step"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=PathsAnswer, query=PathsQuery),
    Operation("POST", PATH, SUMMARY, answer=PathsAnswer, body=PathsQuery),
    Operation("POST", f"{PATH}/people", "Who went a way", answer=PeopleBehind, body=PathsPeopleQuery),
]

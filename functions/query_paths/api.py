"""What query_paths offers over HTTP, for the OpenAPI document."""

from functions.query_paths.logic import PathsAnswer
from functions.query_paths.question import PathsQuery
from shared.openapi import Operation

PATH = "/api/v1/query/paths"
SUMMARY = "What people do after an event, before one, or first: nodes and links, step by step"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=PathsAnswer, query=PathsQuery),
    Operation("POST", PATH, SUMMARY, answer=PathsAnswer, body=PathsQuery),
]

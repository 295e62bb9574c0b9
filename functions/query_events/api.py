"""What query_events offers over HTTP, for the OpenAPI document."""

from functions.query_events.logic import EventsAnswer, EventsQuery
from shared.openapi import Operation

PATH = "/api/v1/query/events"
SUMMARY = "Whole events, the newest first, page by page"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=EventsAnswer, query=EventsQuery),
    Operation("POST", PATH, SUMMARY, answer=EventsAnswer, body=EventsQuery),
]

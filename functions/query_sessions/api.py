"""What query_sessions offers over HTTP, for the OpenAPI document."""

from functions.query_sessions.asked import (
    LIST,
    PATH,
    PEOPLE,
    SETTINGS,
    SessionFiguresQuery,
    SessionListAnswer,
    SessionListQuery,
    SessionPeopleQuery,
    SessionsAnswer,
)
from functions.query_sessions.settings import GapAnswer, GapBody
from shared.openapi import Operation
from shared.query.behind import PeopleBehind

SUMMARY = "Sessions by inactivity: how many, how long, how many bounced, by any field and over time"

OPERATIONS = [
    Operation("GET", PATH, SUMMARY, answer=SessionsAnswer, query=SessionFiguresQuery),
    Operation("POST", PATH, SUMMARY, answer=SessionsAnswer, body=SessionFiguresQuery),
    Operation("POST", PEOPLE, "Whose sessions a number counts", answer=PeopleBehind, body=SessionPeopleQuery),
    Operation("GET", LIST, "Sessions, the newest first", answer=SessionListAnswer, query=SessionListQuery),
    Operation("POST", LIST, "Sessions, the newest first", answer=SessionListAnswer, body=SessionListQuery),
    Operation("GET", SETTINGS, "How long a pause ends a session", answer=GapAnswer),
    Operation("PUT", SETTINGS, "Set how long a pause ends a session", answer=GapAnswer, body=GapBody),
]

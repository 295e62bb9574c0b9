"""What incidents offers over HTTP, for the OpenAPI document."""

from functions.incidents.answers import INCIDENTS, ONE
from functions.incidents.asked import (
    CommentRequest,
    DetailAnswer,
    IncidentsAnswer,
    IncidentsQuery,
    NoteRequest,
    PoliciesAnswer,
    PolicyAnswer,
    SnoozeRequest,
    WindowAnswer,
    WindowsAnswer,
)
from functions.incidents.links import LINK
from functions.incidents.maintenance import WindowRequest
from functions.incidents.pages import LinkAnswer
from functions.incidents.policies import Policy
from functions.incidents.settings import MAINTENANCE, POLICIES, POLICY, WINDOW
from shared.listing import Listed
from shared.openapi import Operation

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]
_TOKEN = [{"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}]
_ACTIONS = (
    ("acknowledge", "Take an incident on: nobody else is told", NoteRequest),
    ("snooze", "Let nobody be told of an incident for a while", SnoozeRequest),
    ("resolve", "Say that an incident is over", NoteRequest),
    ("comment", "Say something about an incident", CommentRequest),
)

OPERATIONS = [
    Operation("GET", INCIDENTS, "The incidents of the project", answer=IncidentsAnswer, query=IncidentsQuery),
    Operation("GET", ONE, "One incident with its timeline", answer=DetailAnswer, parameters=_ID),
    *(
        Operation("POST", f"{ONE}/{name}", summary, answer=DetailAnswer, body=body, parameters=_ID)
        for name, summary, body in _ACTIONS
    ),
    Operation("GET", LINK, "What a link in a message is about, a page for people", LinkAnswer, parameters=_TOKEN),
    Operation("POST", LINK, "Acknowledge what a link is about", LinkAnswer, parameters=_TOKEN),
    Operation("POST", POLICIES, "Make a policy of who is told when", answer=PolicyAnswer, status=201, body=Policy),
    Operation("GET", POLICIES, "The policies of the project", answer=PoliciesAnswer, query=Listed),
    Operation("GET", POLICY, "One policy", answer=PolicyAnswer, parameters=_ID),
    Operation("PUT", POLICY, "Write a policy anew", answer=PolicyAnswer, body=Policy, parameters=_ID),
    Operation("DELETE", POLICY, "Remove a policy that no rule names", status=204, parameters=_ID),
    Operation("POST", MAINTENANCE, "Make a maintenance window", answer=WindowAnswer, status=201, body=WindowRequest),
    Operation("GET", MAINTENANCE, "The maintenance windows of the project", answer=WindowsAnswer, query=Listed),
    Operation("GET", WINDOW, "One maintenance window", answer=WindowAnswer, parameters=_ID),
    Operation(
        "PUT", WINDOW, "Write a maintenance window anew", answer=WindowAnswer, body=WindowRequest, parameters=_ID
    ),
    Operation("DELETE", WINDOW, "Remove a maintenance window", status=204, parameters=_ID),
]

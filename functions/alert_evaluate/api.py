"""What alert_evaluate offers over HTTP, for the OpenAPI document."""

from functions.alert_evaluate.answers import (
    ALERTS,
    ONE,
    PREVIEW,
    AlertAnswer,
    AlertsAnswer,
    HistoryAnswer,
    PreviewAnswer,
    PreviewRequest,
    TrialAnswer,
)
from functions.alert_evaluate.rules import Rule
from shared.listing import Listed
from shared.openapi import Operation

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]

OPERATIONS = [
    Operation("POST", ALERTS, "Make an alert rule", answer=AlertAnswer, status=201, body=Rule),
    Operation("GET", ALERTS, "The alert rules and where they stand", answer=AlertsAnswer, query=Listed),
    Operation("POST", PREVIEW, "What a rule would have come to", answer=PreviewAnswer, body=PreviewRequest),
    Operation("GET", ONE, "One alert rule and where it stands", answer=AlertAnswer, parameters=_ID),
    Operation("PUT", ONE, "Write an alert rule anew", answer=AlertAnswer, body=Rule, parameters=_ID),
    Operation("DELETE", ONE, "Remove an alert rule and its history", status=204, parameters=_ID),
    Operation("POST", ONE + "/pause", "Stop evaluating an alert rule", answer=AlertAnswer, parameters=_ID),
    Operation("POST", ONE + "/resume", "Go on evaluating an alert rule", answer=AlertAnswer, parameters=_ID),
    Operation("POST", ONE + "/test", "What an alert rule comes to now", answer=TrialAnswer, parameters=_ID),
    Operation("GET", ONE + "/history", "The steps it took", answer=HistoryAnswer, query=Listed, parameters=_ID),
]

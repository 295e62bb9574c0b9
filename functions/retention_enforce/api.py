"""What retention_enforce offers over HTTP, for the OpenAPI document."""

from functions.retention_enforce.answers import (
    PREVIEW,
    RETENTION,
    PreviewRequest,
    RetentionAnswer,
    RetentionRequest,
)
from functions.retention_enforce.hold_answers import HOLD, HOLDS, HoldRequest, HoldsAnswer
from functions.retention_enforce.jobs import RUNS, RunRequest
from functions.retention_enforce.logic import Due
from shared.catalog.holds import Hold
from shared.jobs import api
from shared.openapi import Operation

_ID = [{"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]

OPERATIONS = [
    Operation("GET", RETENTION, "For how long events are kept, and the last runs", answer=RetentionAnswer),
    Operation(
        "PUT", RETENTION, "For how long events are kept, by name too", answer=RetentionAnswer, body=RetentionRequest
    ),
    Operation("POST", PREVIEW, "What would be dropped", answer=Due, body=PreviewRequest),
    *api.operations(RUNS, "enforcement of retention", RunRequest),
    Operation("GET", HOLDS, "Legal holds, the newest first", answer=HoldsAnswer),
    Operation("POST", HOLDS, "Keep somebody's rows, or all, until released", answer=Hold, status=201, body=HoldRequest),
    Operation("GET", HOLD, "One legal hold", answer=Hold, parameters=_ID),
    Operation("DELETE", HOLD, "Release a legal hold", answer=Hold, parameters=_ID),
]

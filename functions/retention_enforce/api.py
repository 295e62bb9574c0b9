"""What retention_enforce offers over HTTP, for the OpenAPI document."""

from functions.retention_enforce.answers import (
    PREVIEW,
    RETENTION,
    PreviewRequest,
    RetentionAnswer,
    RetentionRequest,
)
from functions.retention_enforce.logic import Due
from shared.openapi import Operation

OPERATIONS = [
    Operation("GET", RETENTION, "For how long events are kept, and the last runs", answer=RetentionAnswer),
    Operation("PUT", RETENTION, "Keep events for so many days", answer=RetentionAnswer, body=RetentionRequest),
    Operation("POST", PREVIEW, "What would be dropped", answer=Due, body=PreviewRequest),
]

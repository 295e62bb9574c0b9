"""What access_request offers over HTTP, for the OpenAPI document."""

from functions.access_request.answers import JOBS, PERSON
from functions.access_request.asked import AccessRequest, How
from shared.jobs import api
from shared.openapi import Operation

_KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[ua]:"}}
_ID |= {"description": "one of the person's ids: u:<user_id> or a:<anonymous_id>"}

OPERATIONS = [
    *api.operations(JOBS, "access request", AccessRequest),
    Operation(
        "POST",
        PERSON,
        "Gather everything about a person",
        answer=api.Accepted,
        status=202,
        body=How,
        parameters=[_ID, _KEY],
    ),
]

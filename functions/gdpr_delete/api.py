"""What gdpr_delete offers over HTTP, for the OpenAPI document."""

from functions.gdpr_delete.answers import DELETE, JOBS, LIFT, USER, Readmitted
from functions.gdpr_delete.asked import AddressQuery, ErasureRequest
from shared.jobs import api
from shared.openapi import Operation

_USER_ID = {"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}}
_KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}

OPERATIONS = [
    *api.operations(JOBS, "erasure", ErasureRequest),
    *(
        operation._replace(alias_of=operation.path.replace(DELETE, JOBS))
        for operation in api.operations(DELETE, "erasure", ErasureRequest)
    ),
    Operation(
        "DELETE",
        USER,
        "Erase one user",
        answer=api.Accepted,
        status=202,
        query=AddressQuery,
        parameters=[_USER_ID, _KEY],
        alias_of=JOBS,
    ),
    Operation(
        "POST", LIFT, "Keep the events of erased people again from now on", answer=Readmitted, body=ErasureRequest
    ),
]

"""What gdpr_delete offers over HTTP, for the OpenAPI document."""

from functions.gdpr_delete.answers import CONSENT, DELETE, JOBS, LIFT, PERSON, USER, Readmitted
from functions.gdpr_delete.asked import AddressQuery, ErasureRequest, How
from functions.gdpr_delete.consent import ConsentAnswer, ConsentRequest
from shared.jobs import api
from shared.openapi import Operation

_USER_ID = {"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}}
_KEY = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[ua]:"}}
_ID |= {"description": "one of the person's ids: u:<user_id> or a:<anonymous_id>"}

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
    Operation("POST", PERSON, "Erase a person", answer=api.Accepted, status=202, body=How, parameters=[_ID, _KEY]),
    Operation("GET", CONSENT, "What a person said of their consent", answer=ConsentAnswer, parameters=[_ID]),
    Operation(
        "PUT",
        CONSENT,
        "Withdraw or grant a person's consent",
        answer=ConsentAnswer,
        body=ConsentRequest,
        parameters=[_ID],
    ),
    Operation(
        "POST", LIFT, "Keep the events of erased people again from now on", answer=Readmitted, body=ErasureRequest
    ),
]

"""What receipts offers over HTTP, for the OpenAPI document."""

from functions.receipts.logic import ReceiptAnswer
from functions.receipts.main import ADDRESS
from shared.openapi import Operation

_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The `receipt` of an accepted request, or of a refused one.",
    "schema": {"type": "string"},
}

OPERATIONS = [
    Operation(
        "GET", ADDRESS, "Where the events of a request are now, and how many", answer=ReceiptAnswer, parameters=[_ID]
    ),
]

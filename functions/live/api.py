"""What live offers over HTTP, for the OpenAPI document."""

from functions.live.logic import LiveAnswer, LiveQuery
from functions.live.main import PATH
from shared.openapi import Operation

OPERATIONS = [
    Operation("GET", PATH, "Events received in each of the last minutes, by name", answer=LiveAnswer, query=LiveQuery),
]
